//! The states of a process and the ways between them, as an SVG.
//!
//! States stand in one column. A transition to the next state is an arrow between the two; any other runs in a lane of
//! its own, downwards on the right and back on the left, once for all states it leaves, with its name between two states,
//! where no other line passes.

use std::fmt::Write as _;

use proto::catalog::v1 as pb;
use reporting::render::text_width;

const BOX_WIDTH: f64 = 184.0;
const BOX_HEIGHT: f64 = 46.0;
/// Room between two states: two lines of a name and an arrow.
const GAP: f64 = 62.0;
/// Distance of the lines that enter or leave one side of a state.
const PORT: f64 = 15.0;
/// Room between names of neighbouring lanes.
const LANE_GAP: f64 = 14.0;
const MARGIN: f64 = 16.0;
/// Above the first state: where a ticket begins.
const START: f64 = 46.0;
const CORNER: f64 = 7.0;
const NAME_SIZE: f64 = 12.0;
const SMALL_SIZE: f64 = 10.5;
const LINE: f64 = 14.0;
/// A name is broken into lines of about this width.
const WRAP: f64 = 104.0;

/// On which side of the states a lane runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Back, to a state further up.
    Left,
    /// Onwards, past other states.
    Right,
}

/// A transition, or the part of it that goes one way, in a lane.
struct Lane<'a> {
    transition: &'a pb::ProcessTransition,
    side: Side,
    /// Places of the states it leaves, rising.
    sources: Vec<usize>,
    target: usize,
    column: usize,
}

impl Lane<'_> {
    fn first(&self) -> usize {
        self.sources.iter().copied().chain([self.target]).min().unwrap_or_default()
    }

    fn last(&self) -> usize {
        self.sources.iter().copied().chain([self.target]).max().unwrap_or_default()
    }

    /// The gap, after the state of that place, in which its name stands.
    fn gap(&self) -> usize {
        (self.first() + self.last().max(1) - 1) / 2
    }
}

/// A name in lines, and the role below it.
struct Label {
    lines: Vec<String>,
    role: String,
    width: f64,
}

impl Label {
    fn new(transition: &pb::ProcessTransition) -> Self {
        let mut lines: Vec<String> = Vec::new();
        for word in transition.display_name.split_whitespace() {
            match lines.last_mut() {
                Some(line) if text_width(&format!("{line} {word}"), NAME_SIZE, true) <= WRAP => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        let role = transition.required_role.clone();
        let names = lines.iter().map(|line| text_width(line, NAME_SIZE, true));
        let width = names.fold(text_width(&role, SMALL_SIZE, false), f64::max) + 12.0;
        Self { lines, role, width }
    }

    fn height(&self) -> f64 {
        (as_length(self.lines.len()) + if self.role.is_empty() { 0.0 } else { 0.9 }) * LINE + 6.0
    }

    /// Draws it around a point of its line, which it covers.
    fn draw(&self, out: &mut String, x: f64, y: f64) {
        let top = y - self.height() / 2.0;
        rect(out, "paper", x - self.width / 2.0, top, self.width, self.height(), 4.0);
        let mut baseline = top + 3.0 + LINE * 0.78;
        for line in &self.lines {
            text(out, "move", x, baseline, line);
            baseline += LINE;
        }
        if !self.role.is_empty() {
            text(out, "small", x, baseline - 1.0, &self.role);
        }
    }
}

/// A count as a length.
fn as_length(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The states in the order in which they are drawn: the first one first, then as they are defined.
fn ordered(process: &pb::Process) -> Vec<&pb::ProcessState> {
    let (first, rest): (Vec<_>, Vec<_>) = process.states.iter().partition(|state| state.id == process.initial_state);
    first.into_iter().chain(rest).collect()
}

/// The diagram, with all that it shows in words for those who cannot see it.
pub(super) fn svg(process: &pb::Process) -> String {
    let states = ordered(process);
    let place = |id: &str| states.iter().position(|state| state.id == id);
    let mut straight: Vec<Option<&pb::ProcessTransition>> = vec![None; states.len()];
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    for transition in &process.transitions {
        let Some(target) = place(&transition.target_state) else { continue };
        let sources: Vec<usize> = transition.source_states.iter().filter_map(|id| place(id)).collect();
        if let [only] = sources.as_slice()
            && only + 1 == target
            && straight[*only].is_none()
        {
            straight[*only] = Some(transition);
            continue;
        }
        let (mut onwards, mut back): (Vec<_>, Vec<_>) = sources.into_iter().partition(|source| *source < target);
        onwards.sort_unstable();
        back.sort_unstable();
        for (side, sources) in [(Side::Right, onwards), (Side::Left, back)] {
            if !sources.is_empty() {
                lanes.push(Lane { transition, side, sources, target, column: 0 });
            }
        }
    }
    for side in [Side::Left, Side::Right] {
        arrange(&mut lanes, side);
    }
    Plan::new(&states, &lanes).draw(process, &states, &straight, &lanes)
}

/// Gives each lane of a side a column, short ones near the states; lanes that meet nowhere share one.
fn arrange(lanes: &mut [Lane<'_>], side: Side) {
    let mut of_side: Vec<&mut Lane<'_>> = lanes.iter_mut().filter(|lane| lane.side == side).collect();
    of_side.sort_by_key(|lane| (lane.last() - lane.first(), lane.first()));
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    for lane in of_side {
        let (first, last) = (lane.first(), lane.last());
        let free = |column: &Vec<(usize, usize)>| column.iter().all(|(from, to)| last <= *from || *to <= first);
        lane.column = taken.iter().position(free).unwrap_or(taken.len());
        if lane.column == taken.len() {
            taken.push(Vec::new());
        }
        taken[lane.column].push((first, last));
    }
}

/// A line between a state and a lane: which lane, and whether it enters the state.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Port {
    lane: usize,
    enters: bool,
}

/// Where everything stands.
struct Plan {
    /// Top and height of each state.
    boxes: Vec<(f64, f64)>,
    /// Lines at the left and right of each state, from top to bottom.
    ports: Vec<[Vec<Port>; 2]>,
    /// Middle of each lane column, left and right of the states, as a distance from them.
    columns: [Vec<f64>; 2],
    /// Left edge of the states.
    left: f64,
    width: f64,
    height: f64,
}

fn index(side: Side) -> usize {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}

impl Plan {
    fn new(states: &[&pb::ProcessState], lanes: &[Lane<'_>]) -> Self {
        let mut ports: Vec<[Vec<Port>; 2]> = states.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        for (number, lane) in lanes.iter().enumerate() {
            ports[lane.target][index(lane.side)].push(Port { lane: number, enters: true });
            for source in &lane.sources {
                ports[*source][index(lane.side)].push(Port { lane: number, enters: false });
            }
        }
        for [left, right] in &mut ports {
            // Onwards: what comes from above enters at the top, inner lanes first; what leaves goes below, outer lanes
            // first, so that no line crosses another without need. Back: the same from below.
            let key = |port: &Port| {
                let column = i64::try_from(lanes[port.lane].column).unwrap_or_default();
                if port.enters { (0, column) } else { (1, -column) }
            };
            right.sort_by_key(key);
            left.sort_by_key(key);
            left.reverse();
        }
        let mut boxes = Vec::with_capacity(states.len());
        let mut top = MARGIN + START;
        for sides in &ports {
            let most = sides.iter().map(Vec::len).max().unwrap_or_default();
            let height = BOX_HEIGHT.max(as_length(most) * PORT + 12.0);
            boxes.push((top, height));
            top += height + GAP;
        }
        let columns = [Side::Left, Side::Right].map(|side| {
            let count = lanes.iter().filter(|lane| lane.side == side).map(|lane| lane.column + 1).max().unwrap_or(0);
            let mut distance = 0.0;
            let widths = (0..count).map(|column| {
                let of_column = lanes.iter().filter(|lane| lane.side == side && lane.column == column);
                of_column.map(|lane| Label::new(lane.transition).width).fold(28.0, f64::max)
            });
            let middle = |width: f64| {
                let middle = distance + LANE_GAP + width / 2.0;
                distance += LANE_GAP + width;
                middle
            };
            widths.map(middle).collect::<Vec<f64>>()
        });
        let reach = |side: Side| {
            let of_side = lanes.iter().filter(|lane| lane.side == side);
            let edge = |lane: &Lane<'_>| columns[index(side)][lane.column] + Label::new(lane.transition).width / 2.0;
            of_side.map(edge).fold(0.0, f64::max)
        };
        let left = MARGIN + reach(Side::Left);
        let width = left + BOX_WIDTH + reach(Side::Right) + MARGIN;
        Self { boxes, ports, left, width, height: top - GAP + MARGIN, columns }
    }

    /// Where the column of a lane is.
    fn x(&self, lane: &Lane<'_>) -> f64 {
        let distance = self.columns[index(lane.side)][lane.column];
        match lane.side {
            Side::Left => self.left - distance,
            Side::Right => self.left + BOX_WIDTH + distance,
        }
    }

    /// The edge of the states at which a lane's lines end.
    fn edge(&self, side: Side) -> f64 {
        match side {
            Side::Left => self.left,
            Side::Right => self.left + BOX_WIDTH,
        }
    }

    /// At which height a line meets a state.
    fn y(&self, state: usize, side: Side, port: Port) -> f64 {
        let ports = &self.ports[state][index(side)];
        let (top, height) = self.boxes[state];
        let number = ports.iter().position(|one| *one == port).unwrap_or_default();
        top + height / 2.0 + (as_length(number) - (as_length(ports.len()) - 1.0) / 2.0) * PORT
    }

    fn draw(
        &self,
        process: &pb::Process,
        states: &[&pb::ProcessState],
        straight: &[Option<&pb::ProcessTransition>],
        lanes: &[Lane<'_>],
    ) -> String {
        let (width, height) = (self.width, self.height);
        let mut out = format!(
            "<svg class=\"states\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\" aria-label=\"{}\">\
             <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             orient=\"auto\"><path class=\"head\" d=\"M0 0.6 7.4 4 0 7.4z\"/></marker></defs>",
            escape(&in_words(process)),
        );
        let middle = self.left + BOX_WIDTH / 2.0;
        if let Some((top, _)) = self.boxes.first() {
            let _ = write!(out, "<circle class=\"start\" cx=\"{middle:.1}\" cy=\"{:.1}\" r=\"6\"/>", MARGIN + 8.0);
            arrow(&mut out, &format!("M{middle:.1} {:.1}V{:.1}", MARGIN + 14.0, top - 1.0));
        }
        for (number, lane) in lanes.iter().enumerate() {
            self.lane(&mut out, number, lane);
        }
        for (place, _) in straight.iter().enumerate().filter(|(_, transition)| transition.is_some()) {
            let (top, height) = self.boxes[place];
            let next = self.boxes.get(place + 1).map_or(top, |(next, _)| *next);
            arrow(&mut out, &format!("M{middle:.1} {:.1}V{:.1}", top + height, next - 1.0));
        }
        for lane in lanes {
            Label::new(lane.transition).draw(&mut out, self.x(lane), self.gap(lane.gap()));
        }
        for (place, transition) in straight.iter().enumerate() {
            if let Some(transition) = transition {
                Label::new(transition).draw(&mut out, middle, self.gap(place) - 3.0);
            }
        }
        for (state, (top, height)) in states.iter().zip(&self.boxes) {
            self.state(&mut out, state, *top, *height);
        }
        out.push_str("</svg>");
        out
    }

    /// The middle of the gap after a state.
    fn gap(&self, state: usize) -> f64 {
        self.boxes.get(state).map_or(0.0, |(top, height)| top + height + GAP / 2.0)
    }

    /// A lane from the state farthest from its target, with those between joining it.
    fn lane(&self, out: &mut String, number: usize, lane: &Lane<'_>) {
        let (x, edge) = (self.x(lane), self.edge(lane.side));
        let port = |enters| Port { lane: number, enters };
        let leaves = |source: usize| self.y(source, lane.side, port(false));
        let end = self.y(lane.target, lane.side, port(true));
        let outwards = if lane.side == Side::Right { CORNER } else { -CORNER };
        let farthest = match lane.side {
            Side::Right => lane.sources.first(),
            Side::Left => lane.sources.last(),
        };
        let Some(farthest) = farthest.copied() else { return };
        let start = leaves(farthest);
        let down = if end > start { CORNER } else { -CORNER };
        let path = format!(
            "M{edge:.1} {start:.1}H{:.1}Q{x:.1} {start:.1} {x:.1} {:.1}V{:.1}Q{x:.1} {end:.1} {:.1} {end:.1}H{:.1}",
            x - outwards,
            start + down,
            end - down,
            x - outwards,
            edge + outwards.signum(),
        );
        arrow(out, &path);
        for source in lane.sources.iter().copied().filter(|source| *source != farthest) {
            let y = leaves(source);
            let _ = write!(
                out,
                "<path class=\"way\" d=\"M{edge:.1} {y:.1}H{x:.1}\"/><circle class=\"joint\" cx=\"{x:.1}\" \
                 cy=\"{y:.1}\" r=\"2.6\"/>"
            );
        }
    }

    fn state(&self, out: &mut String, state: &pb::ProcessState, top: f64, height: f64) {
        let category = state.category();
        let class = category_word(category);
        rect(out, &format!("state {class}"), self.left, top, BOX_WIDTH, height, 7.0);
        if matches!(category, pb::StateCategory::Closed | pb::StateCategory::Cancelled) {
            rect(out, "inner", self.left + 3.0, top + 3.0, BOX_WIDTH - 6.0, height - 6.0, 5.0);
        }
        let middle = (self.left + BOX_WIDTH / 2.0, top + height / 2.0);
        text(out, "name", middle.0, middle.1 - 2.0, &fitted(&state.display_name));
        text(out, "small", middle.0, middle.1 + 13.0, class);
    }
}

/// The name of a state, cut where it would leave its box.
fn fitted(name: &str) -> String {
    let fits = |text: &String| text_width(text, 13.5, true) <= BOX_WIDTH - 20.0;
    let cut = name.char_indices().rev().map(|(end, _)| format!("{}…", name[..end].trim_end()));
    std::iter::once(name.to_owned()).chain(cut).find(fits).unwrap_or_default()
}

/// What a state means, in a word.
pub(super) fn category_word(category: pb::StateCategory) -> &'static str {
    match category {
        pb::StateCategory::New => "new",
        pb::StateCategory::Active => "active",
        pb::StateCategory::Pending => "pending",
        pb::StateCategory::Resolved => "resolved",
        pb::StateCategory::Closed => "closed",
        pb::StateCategory::Cancelled => "cancelled",
        pb::StateCategory::Unspecified => "unknown",
    }
}

fn in_words(process: &pb::Process) -> String {
    let name = |id: &str| {
        let state = process.states.iter().find(|state| state.id == id);
        state.map_or_else(|| id.to_owned(), |state| state.display_name.clone())
    };
    let ways = process.transitions.iter().map(|transition| {
        let sources: Vec<String> = transition.source_states.iter().map(|id| name(id)).collect();
        format!("{} leads from {} to {}", transition.display_name, sources.join(", "), name(&transition.target_state))
    });
    let ways: Vec<String> = ways.collect();
    format!("States of {}: begins as {}. {}.", process.display_name, name(&process.initial_state), ways.join(". "))
}

fn arrow(out: &mut String, path: &str) {
    let _ = write!(out, "<path class=\"way\" marker-end=\"url(#head)\" d=\"{path}\"/>");
}

fn rect(out: &mut String, class: &str, x: f64, y: f64, width: f64, height: f64, round: f64) {
    let _ = write!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{round:.0}\"/>"
    );
}

fn text(out: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let _ = write!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(words));
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
