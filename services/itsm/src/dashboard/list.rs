//! Lists that a filter selects: a box for it, links to what is often wanted, columns that sort, pages.

use maud::{Markup, html};
use serde::Deserialize;

use super::page::{Section, page, sentence_case};
use super::part::{grouped, not_shown};
use super::query::address;
use super::viewer::{Asked, Lack, Refusal, Viewer};

/// Found on a page.
pub(super) const PAGE: i32 = 100;

/// What a list was asked for, in the address of the page.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Selection {
    #[serde(default)]
    pub(super) filter: String,
    #[serde(default)]
    pub(super) order_by: String,
    #[serde(default)]
    pub(super) page_token: String,
    /// Found on the pages before this one.
    #[serde(default)]
    pub(super) before: String,
}

impl Selection {
    fn before(&self) -> i64 {
        if self.page_token.is_empty() { 0 } else { self.before.parse().unwrap_or(0).max(0) }
    }
}

/// A column: its heading, and the field it is ordered by, if it can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    heading: &'static str,
    field: Option<&'static str>,
    numeric: bool,
}

/// A column in the order in which the service answers.
pub(super) const fn column(heading: &'static str) -> Column {
    Column { heading, field: None, numeric: false }
}

/// A column that can be ordered by a field.
pub(super) const fn sorted(heading: &'static str, field: &'static str) -> Column {
    Column { heading, field: Some(field), numeric: false }
}

impl Column {
    /// With numbers, which stand at the right.
    pub(super) const fn number(self) -> Self {
        Self { numeric: true, ..self }
    }
}

/// A link to a selection that is often wanted: its name, its filter and its order.
pub(super) type Saved<'a> = (&'a str, String, &'a str);

/// What makes one list different from another.
pub(super) struct List<'a> {
    pub(super) section: Section,
    pub(super) path: &'a str,
    /// One of them, and several: `ticket`, `tickets`.
    pub(super) noun: (&'a str, &'a str),
    /// A filter that could be written.
    pub(super) example: &'a str,
    pub(super) saved: &'a [Saved<'a>],
    pub(super) columns: &'a [Column],
}

/// A page of a list.
pub(super) struct Found {
    pub(super) rows: Vec<Markup>,
    pub(super) next_page_token: String,
    /// How many there are on all pages. `None`: they were not counted.
    pub(super) total: Option<i64>,
}

impl List<'_> {
    /// The page, or what is wrong with the request on the same page.
    pub(super) fn show(&self, viewer: &Viewer, selection: &Selection, rows: Asked<Found>) -> Result<Markup, Refusal> {
        self.show_with(viewer, selection, rows, &html! {})
    }

    /// The page, with something beside the saved lists.
    pub(super) fn show_with(
        &self,
        viewer: &Viewer,
        selection: &Selection,
        rows: Asked<Found>,
        beside: &Markup,
    ) -> Result<Markup, Refusal> {
        if let Err(lack) = &rows
            && lack.ended.is_some()
        {
            return Err(lack.clone().into());
        }
        let title = match &rows {
            Ok(rows) => self.title(selection, rows),
            Err(_) => sentence_case(self.noun.1),
        };
        let content = html! {
            h1 { (title) }
            (self.saved(viewer, selection))
            (beside)
            (self.form(selection, rows.as_ref().err()))
            @match &rows {
                Ok(rows) => { (self.keep(viewer, selection)) (self.table(selection, rows)) },
                Err(lack) if lack.is_invalid() => {},
                Err(lack) => (not_shown(lack)),
            }
        };
        Ok(page(viewer, self.section, &title, &content))
    }

    fn title(&self, selection: &Selection, rows: &Found) -> String {
        let shown = i64::try_from(rows.rows.len()).unwrap_or(i64::MAX);
        let complete = selection.page_token.is_empty() && rows.next_page_token.is_empty();
        match rows.total.or(complete.then_some(shown)) {
            Some(0) => format!("No {} matches", self.noun.0),
            Some(1) => format!("1 {}", self.noun.0),
            Some(total) => format!("{} {}", grouped(total), self.noun.1),
            None => sentence_case(self.noun.1),
        }
    }

    fn address(&self, filter: &str, order_by: &str) -> String {
        address(self.path, &[("filter", filter), ("order_by", order_by)])
    }

    /// Lists that are often wanted, then those that the viewer has kept.
    fn saved(&self, viewer: &Viewer, selection: &Selection) -> Markup {
        let kept: Vec<_> = viewer.saved.iter().filter(|list| list.path == self.path).collect();
        let current = |filter: &str| (filter == selection.filter).then_some("true");
        html! {
            nav.saved aria-label="Saved lists" {
                @for (name, filter, order_by) in self.saved {
                    a href=(self.address(filter, order_by)) aria-current=[current(filter)] { (name) }
                }
                @for list in &kept {
                    a href=(self.address(&list.filter, &list.order_by)) aria-current=[current(&list.filter)] { (list.name) }
                }
            }
        }
    }

    /// Keeps the list under a name, or takes the one that is shown out again.
    fn keep(&self, viewer: &Viewer, selection: &Selection) -> Markup {
        let kept = viewer.saved.iter().find(|list| list.path == self.path && list.filter == selection.filter);
        let ready = self.saved.iter().any(|(_, filter, _)| *filter == selection.filter);
        html! {
            @if kept.is_some() || !ready && !selection.filter.is_empty() {
                form.keep method="post" action="/saved" {
                    input type="hidden" name="path" value=(self.path);
                    input type="hidden" name="filter" value=(selection.filter);
                    input type="hidden" name="order_by" value=(selection.order_by);
                    @if let Some(kept) = kept {
                        input type="hidden" name="name" value=(kept.name);
                        input type="hidden" name="remove" value="true";
                        button.plain { "Remove “" (kept.name) "” from the saved lists" }
                    } @else {
                        label for="keep" { "Save this list as" }
                        input #keep type="text" name="name" required maxlength="40" size="16";
                        button { "Save" }
                    }
                }
            }
        }
    }

    fn form(&self, selection: &Selection, lack: Option<&Lack>) -> Markup {
        let wrong = lack.filter(|lack| lack.is_invalid());
        html! {
            form.filter method="get" action=(self.path) role="search" {
                label for="filter" { "Filter" }
                input #filter type="text" name="filter" value=(selection.filter) placeholder=(self.example) data-filter
                    autocomplete="off" autocapitalize="off" spellcheck="false"
                    aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "wrong")];
                @if !selection.order_by.is_empty() { input type="hidden" name="order_by" value=(selection.order_by); }
                button { "Show" }
                @if !selection.filter.is_empty() { a href=(self.address("", &selection.order_by)) { "Clear" } }
            }
            @if let Some(lack) = wrong {
                div.wrong #wrong role="alert" {
                    p.refused { (sentence_case(&lack.sentence)) "." }
                    @if lack.sentence.contains("filter") || !lack.sentence.contains("order_by") {
                        (place(&selection.filter, &lack.sentence))
                    }
                }
            }
        }
    }

    fn table(&self, selection: &Selection, rows: &Found) -> Markup {
        let before = selection.before();
        let shown = i64::try_from(rows.rows.len()).unwrap_or(i64::MAX);
        let seen = (before + shown).to_string();
        let next = [
            ("filter", selection.filter.as_str()),
            ("order_by", &selection.order_by),
            ("page_token", &rows.next_page_token),
            ("before", &seen),
        ];
        html! {
            @if !rows.rows.is_empty() {
                div.scroll tabindex="0" role="region" aria-label=(sentence_case(self.noun.1)) { table {
                    thead { tr { @for column in self.columns { (self.heading(column, selection)) } } }
                    tbody { @for row in &rows.rows { (row) } }
                } }
            }
            @if before > 0 || !rows.next_page_token.is_empty() {
                nav.pages aria-label="Pages" {
                    @if before > 0 { a href=(self.address(&selection.filter, &selection.order_by)) { "First page" } }
                    span.soft { (grouped(before + 1)) "–" (grouped(before + shown))
                        @if let Some(total) = rows.total { " of " (grouped(total)) } }
                    @if !rows.next_page_token.is_empty() { a rel="next" href=(address(self.path, &next)) { "Next page" } }
                }
            }
        }
    }

    fn heading(&self, column: &Column, selection: &Selection) -> Markup {
        let Some(field) = column.field else {
            return html! { th scope="col" .num[column.numeric] { (column.heading) } };
        };
        let first = selection.order_by.split(',').next().unwrap_or_default().trim();
        let descending = first.strip_suffix(" desc").map(str::trim) == Some(field);
        let ascending = first == field || first.strip_suffix(" asc").map(str::trim) == Some(field);
        let sort = if ascending { Some("ascending") } else { descending.then_some("descending") };
        let next = if ascending { format!("{field} desc") } else { field.to_owned() };
        html! {
            th scope="col" .num[column.numeric] aria-sort=[sort] {
                a href=(self.address(&selection.filter, &next)) { (column.heading)
                    @if ascending { span aria-hidden="true" { " ↑" } } @else if descending { span aria-hidden="true" { " ↓" } }
                }
            }
        }
    }
}

/// The filter with the place marked that a refusal names as `(column 12)`.
fn place(filter: &str, sentence: &str) -> Markup {
    let column = sentence.rsplit_once("(column ").and_then(|(_, rest)| rest.split(')').next()?.parse::<usize>().ok());
    let Some(column) = column.and_then(|column| column.checked_sub(1)) else { return html! {} };
    let at = filter.char_indices().nth(column).map_or(filter.len(), |(at, _)| at);
    let (good, rest) = filter.split_at(at);
    let end =
        rest.char_indices().skip(1).find(|(_, c)| c.is_whitespace() || *c == ')').map_or(rest.len(), |(at, _)| at);
    let (bad, rest) = rest.split_at(end);
    html! {
        code.place { (good) mark { @if bad.is_empty() { "␣" } @else { (bad) } } (rest) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_that_is_wrong_is_marked_and_escaped() {
        let shown = place("priority = 1 AND <b> = 2", "a field is not known (column 18)").0;
        assert!(shown.contains("priority = 1 AND <mark>&lt;b&gt;</mark> = 2"), "{shown}");
        let shown = place("a =", "expected a value (column 4)").0;
        assert!(shown.contains("<mark>␣</mark>"), "{shown}");
    }
}
