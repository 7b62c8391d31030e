//! The pages of the handbook: each in one file that needs nothing else, for screens, paper, screen readers and keyboards.

use domain::governance::{Responsibility, RoleAssignment};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use proto::catalog::v1 as pb;

use super::diagram::svg;
use super::published::{Process, Published, instant};

/// Name of the page of roles.
const ROLES: &str = "roles.html";

/// Every page with the name of its file.
pub(super) fn all(published: &Published) -> Vec<(String, String)> {
    let mut pages = vec![("index.html".to_owned(), index(published)), (ROLES.to_owned(), roles(published))];
    for process in &published.processes {
        pages.push((file(process), process_page(published, process)));
    }
    pages.into_iter().map(|(name, markup)| (name, markup.into_string())).collect()
}

fn file(process: &Process) -> String {
    format!("process-{}.html", process.id())
}

/// The frame of every page; `here` is the file it is.
fn frame(published: &Published, here: &str, title: &str, about: &str, content: &Markup) -> Markup {
    let foot = format!("{title} · as of {}", published.on).replace(['"', '\\'], "");
    let style =
        include_str!("style.css").replace("/*faces*/", &reporting::render::html::faces()).replace("/*foot*/", &foot);
    let link = |to: &str, text: &str| {
        let current = (to == here).then_some("page");
        html! { li { a href=(to) aria-current=[current] { (text) } } }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) " · Process handbook" }
                style { (PreEscaped(style)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header.cover {
                    p.title { "Process handbook" }
                    h1 { (title) }
                    p.about { (about) }
                }
                nav aria-label="Pages" {
                    ol {
                        (link("index.html", "Overview"))
                        @for process in &published.processes { (link(&file(process), &process.body.display_name)) }
                        (link(ROLES, "Roles"))
                    }
                }
                main #content { (content) }
                footer {
                    p {
                        "Made from the published revisions in the catalog as of " (published.on)
                        "; what stands here is what is enforced when a ticket moves. Font: Inter, SIL Open Font License 1.1."
                    }
                }
            }
        }
    }
}

fn index(published: &Published) -> Markup {
    let elsewhere: Vec<_> = published.gaps_of("").collect();
    let content = html! {
        section {
            h2 { "Processes" }
            @if published.processes.is_empty() {
                p.gap { "No process is in force" }
            }
            div.scroll {
                table {
                    thead { tr {
                        th scope="col" { "Process" } th scope="col" { "What it is for" } th scope="col" { "Owner" }
                        th scope="col" { "In force" } th.number scope="col" { "Gaps" }
                    } }
                    tbody {
                        @for process in &published.processes {
                            tr {
                                th scope="row" { a href=(file(process)) { (process.body.display_name) } }
                                td { (or_gap(&process.body.purpose, "no purpose is stated")) }
                                td { (owner(published, process)) }
                                td { (in_force(process)) }
                                td.number { (published.gaps_of(&process.name).count()) }
                            }
                        }
                    }
                }
            }
            p.note {
                "A gap is something that is missing or contradicts itself in who answers for what; each is named on the "
                "page of its process."
            }
        }
        @if !elsewhere.is_empty() {
            section { h2 { "Gaps outside a single process" } (gaps(&elsewhere)) }
        }
    };
    let about = format!("As of {}", published.on);
    frame(published, "index.html", "Overview", &about, &content)
}

/// The owner's role, and who holds it.
fn owner(published: &Published, process: &Process) -> Markup {
    let role = &process.body.owner_role;
    if role.is_empty() {
        return gap("nobody owns it");
    }
    html! { (published.role(role)) br; (holders(published, role)) }
}

fn in_force(process: &Process) -> String {
    let Some(newest) = process.revisions.first() else { return String::new() };
    let since = instant(newest.effective_time.as_ref());
    let since = since.map_or_else(String::new, |at| match at.as_microsecond() {
        // What governs all that was recorded before it was written down.
        0 => ", since the beginning of records".to_owned(),
        _ => format!(", since {}", at.strftime("%Y-%m-%d")),
    });
    format!("revision {}{since}", newest.revision)
}

fn gap(text: &str) -> Markup {
    html! { span.gap { (text) } }
}

fn or_gap(text: &str, missing: &str) -> Markup {
    if text.trim().is_empty() {
        gap(missing)
    } else {
        html! { (text) }
    }
}

/// Who holds a role, with where and how long.
fn holders(published: &Published, role: &str) -> Markup {
    let mut holders = published.holders(role).peekable();
    if holders.peek().is_none() {
        return gap("nobody holds it");
    }
    let told: Vec<String> = holders.map(|one| holder(published, one)).collect();
    html! { span.soft { (told.join("; ")) } }
}

fn holder(published: &Published, assignment: &RoleAssignment) -> String {
    let mut told = assignment.member.clone();
    if !assignment.service.is_empty() {
        told = format!("{told} for {}", published.service(&assignment.service));
    }
    if !assignment.customer.is_empty() {
        told = format!("{told} for {}", assignment.customer);
    }
    if let Some(end) = assignment.end_on {
        told = format!("{told} until {end}");
    }
    told
}

fn process_page(published: &Published, process: &Process) -> Markup {
    let body = &process.body;
    let found: Vec<_> = published.gaps_of(&process.name).collect();
    let content = html! {
        section {
            h2 { "Purpose and scope" }
            p.lead { (or_gap(&body.purpose, "no purpose is stated")) }
            p { (or_gap(&body.scope, "no scope is stated")) }
            dl.facts {
                dt { "Owner" } dd { (owner(published, process)) }
                dt { "Practice" } dd { (body.practice.replace('_', " ")) }
                dt { "Tickets" } dd { "named " code { (body.ticket_prefix) "-…" } }
                dt { "In force" } dd { (in_force(process)) }
            }
            div.pair {
                div { h3 { "Takes in" } (list(&body.inputs, "no input is stated")) }
                div { h3 { "Gives" } (list(&body.outputs, "no output is stated")) }
            }
        }
        section {
            h2 { "States" }
            figure {
                div.scroll tabindex="0" role="region" aria-label="Diagram of states" { (PreEscaped(svg(body))) }
                ul.key aria-label="Key" {
                    @for (class, meaning) in KEY { li { i class=(class) {} (meaning) } }
                }
            }
        }
        section { h2 { "Transitions" } (transitions(published, process)) }
        section { h2 { "Activities" } (activities(body)) }
        section { h2 { "Who answers for what" } (raci(published, process)) }
        @if !found.is_empty() {
            section { h2 { "Gaps" } (gaps(&found)) }
        }
        section { h2 { "Measures and targets" } (measures(body)) }
        section {
            h2 { "Times and priorities" }
            p { (auto_close(body)) }
            (priorities(body))
        }
        @if let Some(schema) = &body.custom_fields {
            section { h2 { "Further fields" } (custom_fields(schema)) }
        }
        section { h2 { "Revisions" } (revisions(process)) }
    };
    let about = format!("{} · as of {}", in_force(process), published.on);
    frame(published, &file(process), &body.display_name, &about, &content)
}

/// What the colours of the diagram mean.
const KEY: [(&str, &str); 5] = [
    ("new", "new: recorded, nobody works on it"),
    ("active", "active: being worked on"),
    ("pending", "pending: waits"),
    ("resolved", "resolved: delivered, not yet confirmed"),
    ("ended", "closed or cancelled (dashed): finished"),
];

fn list(items: &[String], missing: &str) -> Markup {
    if items.is_empty() {
        return html! { p { (gap(missing)) } };
    }
    html! { ul.plain { @for item in items { li { (item) } } } }
}

fn state<'a>(process: &'a pb::Process, id: &'a str) -> &'a str {
    process.states.iter().find(|state| state.id == id).map_or(id, |state| state.display_name.as_str())
}

fn activity_of<'a>(process: &'a pb::Process, transition: &str) -> Option<&'a pb::ProcessActivity> {
    process.activities.iter().find(|activity| activity.transitions.iter().any(|id| id == transition))
}

fn transitions(published: &Published, process: &Process) -> Markup {
    let body = &process.body;
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Transition" } th scope="col" { "Leads from" } th scope="col" { "to" }
                th scope="col" { "Activity" } th scope="col" { "Who may do it" } th scope="col" { "What has to be given" }
            } }
            tbody {
                @for transition in &body.transitions {
                    tr {
                        th scope="row" { (transition.display_name) }
                        td { (joined(transition.source_states.iter().map(|id| state(body, id)))) }
                        td { (state(body, &transition.target_state)) }
                        td {
                            @match activity_of(body, &transition.id) {
                                Some(activity) => (activity.display_name),
                                None => (gap("none")),
                            }
                        }
                        td { (who_may(published, process, transition)) }
                        td { (joined(transition.required_fields.iter().map(String::as_str))) }
                    }
                }
            }
        } }
        p.note { "Imports record what happened elsewhere and are not held to this; where they differ, it is on record." }
    }
}

fn joined<'a>(items: impl Iterator<Item = &'a str>) -> String {
    items.collect::<Vec<_>>().join(", ")
}

/// The roles of which one is needed: of the transition itself, and those that answer for its activity.
fn who_may(published: &Published, process: &Process, transition: &pb::ProcessTransition) -> Markup {
    let guard = (!transition.required_role.is_empty()).then(|| format!("roles/{}", transition.required_role));
    let rows = activity_of(&process.body, &transition.id)
        .map(|activity| published.governance.in_force(&process.name, &activity.id, None))
        .unwrap_or_default();
    let binding = rows.iter().filter(|(_, row)| !row.proposed);
    let mut answering: Vec<&str> = Vec::new();
    for role in binding.flat_map(|(_, row)| row.responsible.iter().chain(&row.accountable)) {
        if !answering.contains(&published.role(role)) {
            answering.push(published.role(role));
        }
    }
    html! {
        @if let Some(role) = &guard { (published.role(role)) }
        @if guard.is_some() && !answering.is_empty() { ", being also " }
        @if !answering.is_empty() { (answering.join(" or ")) }
        @if guard.is_none() && answering.is_empty() { span.soft { "whoever works on tickets" } }
    }
}

fn activities(process: &pb::Process) -> Markup {
    if process.activities.is_empty() {
        return html! { p { (gap("no activity is described")) } };
    }
    let name = |id: &String| {
        let found = process.activities.iter().find(|activity| activity.id == *id);
        found.map_or(id.clone(), |activity| activity.display_name.clone())
    };
    html! {
        @for activity in &process.activities {
            h3 id=(format!("activity-{}", activity.id)) { (activity.display_name) }
            p { (or_gap(&activity.description, "not described")) }
            @if !activity.approves.is_empty() {
                p.note {
                    "Approves the work of " (activity.approves.iter().map(name).collect::<Vec<_>>().join(", "))
                    ": nobody approves their own."
                }
            }
        }
    }
}

fn raci(published: &Published, process: &Process) -> Markup {
    let own = |activity: &str| {
        let rows = published.governance.responsibilities.values();
        let of_activity = rows.filter(|row| row.process == process.name && row.activity == activity);
        let mut services: Vec<&str> =
            of_activity.map(|row| row.service.as_str()).filter(|name| !name.is_empty()).collect();
        services.sort_unstable();
        services.dedup();
        services
    };
    let any_proposed = process.body.activities.iter().any(|activity| {
        published.governance.in_force(&process.name, &activity.id, None).iter().any(|(_, row)| row.proposed)
    });
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Activity" } th scope="col" { "Responsible" } th scope="col" { "Accountable" }
                th scope="col" { "Consulted" } th scope="col" { "Informed" }
            } }
            tbody {
                @for activity in &process.body.activities {
                    @let general = published.governance.in_force(&process.name, &activity.id, None);
                    (raci_row(published, &activity.display_name, false, &general))
                    @for service in own(&activity.id) {
                        @let rows = published.governance.in_force(&process.name, &activity.id, Some(service));
                        @if rows.iter().any(|(_, row)| row.service == service) {
                            (raci_row(published, &format!("for {}", published.service(service)), true, &rows))
                        }
                    }
                }
            }
        } }
        @if any_proposed {
            p.note {
                "What is proposed came with the program: it describes and binds nobody. Whoever is responsible or "
                "accountable by a row that is not proposed may do the transitions of its activity, and nobody else."
            }
        }
    }
}

fn raci_row(published: &Published, label: &str, own: bool, rows: &[(&str, &Responsibility)]) -> Markup {
    let of = |letter: fn(&Responsibility) -> &Vec<String>| -> Vec<&str> {
        let mut roles: Vec<&str> = rows.iter().flat_map(|(_, row)| letter(row)).map(String::as_str).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    };
    let named = |roles: &[&str]| roles.iter().map(|role| published.role(role)).collect::<Vec<_>>().join(", ");
    let (responsible, accountable) = (of(|row| &row.responsible), of(|row| &row.accountable));
    html! {
        tr.own[own] {
            th scope="row" {
                (label)
                @if rows.iter().any(|(_, row)| row.proposed) { span.tag { "PROPOSED" } }
                @if rows.iter().any(|(_, row)| row.illustrative) { span.tag { "ILLUSTRATIVE" } }
            }
            @if rows.is_empty() {
                td colspan="4" { (gap("nothing says who does what")) }
            } @else {
                td { @if responsible.is_empty() { (gap("nobody")) } @else { (named(&responsible)) } }
                td {
                    @match accountable.len() {
                        0 => (gap("nobody")),
                        1 => (named(&accountable)),
                        _ => (gap(&format!("{}: more than one", named(&accountable)))),
                    }
                }
                td { (named(&of(|row| &row.consulted))) }
                td { (named(&of(|row| &row.informed))) }
            }
        }
    }
}

fn gaps(found: &[&pb::ResponsibilityFinding]) -> Markup {
    let severity = |gap: &pb::ResponsibilityFinding| match gap.severity() {
        pb::FindingSeverity::Error => "error",
        _ => "warning",
    };
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "What is wrong, and the way out" } th scope="col" { "Kind" } th scope="col" { "About" } } }
            tbody {
                @for gap in found {
                    tr {
                        td { (gap.message) }
                        td { code { (gap.reason) } br; span.soft { (severity(gap)) } }
                        td { code { (gap.resource) } }
                    }
                }
            }
        } }
    }
}

fn measures(process: &pb::Process) -> Markup {
    if process.measures.is_empty() {
        return html! { p { (gap("no measure has a target")) } };
    }
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Measure" } th.number scope="col" { "Target" } th scope="col" { "What it tells here" }
                th scope="col" { "Definition in the report" }
            } }
            tbody {
                @for measure in &process.measures {
                    tr {
                        th scope="row" { code { (measure.id) } }
                        td.number { (target(measure)) }
                        td { (measure.description) }
                        td {
                            @match reporting::measures::definition(&measure.id) {
                                Some(definition) => span.soft { (definition.text) },
                                None => (gap("no report computes it yet")),
                            }
                        }
                    }
                }
            }
        } }
    }
}

/// `at least 95 %`: a ratio is written as a percentage.
fn target(measure: &pb::ProcessMeasure) -> String {
    let value = measure.target.as_ref().map(|target| target.value.clone()).unwrap_or_default();
    let side = match measure.direction() {
        pb::TargetDirection::AtMost => "at most",
        _ => "at least",
    };
    let percent = value.parse::<bigdecimal::BigDecimal>().ok().filter(|_| measure.unit == "ratio");
    match percent {
        Some(ratio) => {
            format!("{side} {} %", (ratio * bigdecimal::BigDecimal::from(100)).normalized().to_plain_string())
        }
        None => format!("{side} {value} {}", measure.unit).trim_end().to_owned(),
    }
}

fn auto_close(process: &pb::Process) -> String {
    let resolved = process.states.iter().filter(|state| state.category() == pb::StateCategory::Resolved);
    let resolved = joined(resolved.map(|state| state.display_name.as_str()));
    match process.auto_close_days {
        0 => "No ticket closes by itself.".to_owned(),
        1 => format!("A ticket that is “{resolved}” closes by itself after a day without dispute."),
        days => format!("A ticket that is “{resolved}” closes by itself after {days} days without dispute."),
    }
}

fn priorities(process: &pb::Process) -> Markup {
    if process.priority_matrix.is_empty() {
        return html! { p { (gap("no priority follows from impact and urgency")) } };
    }
    let distinct = |of: fn(&pb::PriorityRule) -> i32| {
        let mut values: Vec<i32> = process.priority_matrix.iter().map(of).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let (impacts, urgencies) = (distinct(|rule| rule.impact), distinct(|rule| rule.urgency));
    let cell = |impact: i32, urgency: i32| {
        let found = process.priority_matrix.iter().find(|rule| (rule.impact, rule.urgency) == (impact, urgency));
        found.map_or_else(|| gap("none"), |rule| html! { (rule.priority) })
    };
    html! {
        div.scroll { table style="width:auto" {
            caption { "Priority by impact and urgency; 1 is the highest" }
            thead { tr {
                th scope="col" { "Impact" }
                @for urgency in &urgencies { th.number scope="col" { "Urgency " (urgency) } }
            } }
            tbody {
                @for impact in &impacts {
                    tr {
                        th scope="row" { (impact) }
                        @for urgency in &urgencies { td.number { (cell(*impact, *urgency)) } }
                    }
                }
            }
        } }
    }
}

fn custom_fields(schema: &prost_types::Struct) -> Markup {
    let schema = servicekit::wire::parse_struct(schema);
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    html! {
        div.scroll { table {
            thead { tr { th scope="col" { "Field" } th scope="col" { "Holds" } th scope="col" { "" } } }
            tbody {
                @for (id, property) in &properties {
                    tr {
                        th scope="row" { code { (id) } }
                        td { (property["type"].as_str().unwrap_or("any")) }
                        td { @if required.iter().any(|name| name == id) { "required" } }
                    }
                }
            }
        } }
    }
}

fn revisions(process: &Process) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Revision" } th scope="col" { "In force from" } th scope="col" { "Published" }
                th scope="col" { "by" }
            } }
            tbody {
                @for revision in &process.revisions {
                    tr {
                        th scope="row" { (revision.revision) }
                        td { (day(revision.effective_time.as_ref())) }
                        td { (day(revision.publish_time.as_ref())) }
                        td { (revision.publisher) }
                    }
                }
            }
        } }
        p.note { "A revision is never edited, only followed. Tickets stay with the one that was in force when they were opened." }
    }
}

fn day(at: Option<&prost_types::Timestamp>) -> String {
    instant(at).map_or_else(String::new, |at| match at.as_microsecond() {
        0 => "the beginning of records".to_owned(),
        _ => at.strftime("%Y-%m-%d").to_string(),
    })
}

fn roles(published: &Published) -> Markup {
    let content = html! {
        @if published.roles.is_empty() {
            section { p { (gap("no role is described")) } }
        }
        @for role in published.roles.values() {
            section id=(role.name.replace('/', "-")) {
                h2 {
                    (role.display_name)
                    @if role.illustrative { span.tag { "ILLUSTRATIVE" } }
                }
                p { (or_gap(&role.purpose, "no purpose is stated")) }
                dl.facts { dt { "Held by" } dd { (holders(published, &role.name)) } }
                div.pair {
                    div { h3 { "Tasks" } (list(&role.tasks, "no task is stated")) }
                    div { h3 { "Authority" } (list(&role.authorities, "no authority is stated")) }
                }
                (duties(published, &role.name))
            }
        }
    };
    let about = format!("{} roles · as of {}", published.roles.len(), published.on);
    frame(published, ROLES, "Roles", &about, &content)
}

/// What a role does in which process.
fn duties(published: &Published, role: &str) -> Markup {
    let mut told = Vec::new();
    for process in &published.processes {
        for activity in &process.body.activities {
            let rows = published.governance.in_force(&process.name, &activity.id, None);
            let letters = rows.iter().flat_map(|(_, row)| row.letters());
            let letters: Vec<&str> =
                letters.filter(|(_, roles)| roles.iter().any(|one| one == role)).map(|(letter, _)| letter).collect();
            if !letters.is_empty() {
                told.push((file(process), process, activity, letters.join(" and ")));
            }
        }
    }
    html! {
        @if !told.is_empty() {
            h3 { "In processes" }
            ul.plain {
                @for (file, process, activity, letters) in &told {
                    li {
                        a href={ (file) "#activity-" (activity.id) } { (activity.display_name) }
                        span.soft { " in " (process.body.display_name) ": " (letters) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::diagram::category_word;
    use super::*;

    #[test]
    fn every_category_has_its_meaning_in_the_key() {
        let known: Vec<&str> = KEY.iter().map(|(_, meaning)| *meaning).collect();
        for category in (1..=6).filter_map(|number| pb::StateCategory::try_from(number).ok()) {
            let word = category_word(category);
            assert!(known.iter().any(|meaning| meaning.contains(word)), "{word}");
        }
    }

    #[test]
    fn a_target_says_which_side_is_good() {
        let measure = |value: &str, unit: &str, direction: pb::TargetDirection| pb::ProcessMeasure {
            target: Some(proto::common::v1::Decimal { value: value.to_owned() }),
            unit: unit.to_owned(),
            direction: direction.into(),
            ..Default::default()
        };
        assert_eq!(target(&measure("0.95", "ratio", pb::TargetDirection::AtLeast)), "at least 95 %");
        assert_eq!(target(&measure("0.005", "ratio", pb::TargetDirection::AtMost)), "at most 0.5 %");
        assert_eq!(target(&measure("100", "hours", pb::TargetDirection::AtMost)), "at most 100 hours");
    }
}
