//! A drawing before it is drawn: shapes at logical coordinates, in inks that a theme gives their colour.

/// What a shape is drawn in. Series colours are those of Okabe and Ito, told apart by most colour-blind people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Words that matter.
    Text,
    /// Words beside them.
    Muted,
    /// Axes.
    Axis,
    /// Lines to measure against.
    Grid,
    /// The sheet.
    Paper,
    /// Ground of what lies outside of the record.
    Shade,
    /// What was measured: solid.
    Actual,
    /// What was measured before, or beside: lighter.
    Light,
    /// Series, and what is good.
    Blue,
    /// Series, and what is bad.
    Vermillion,
    /// Series.
    Orange,
    /// Series.
    Green,
    /// Series.
    Purple,
}

impl Ink {
    /// Every ink.
    pub(crate) const ALL: [Self; 13] = [
        Self::Text,
        Self::Muted,
        Self::Axis,
        Self::Grid,
        Self::Paper,
        Self::Shade,
        Self::Actual,
        Self::Light,
        Self::Blue,
        Self::Vermillion,
        Self::Orange,
        Self::Green,
        Self::Purple,
    ];

    /// Red, green and blue on white paper. No two inks are the same, so that a theme can replace them.
    pub(crate) fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Text => (0x1B, 0x1E, 0x23),
            Self::Muted => (0x5B, 0x62, 0x6D),
            Self::Axis => (0x8D, 0x94, 0x9E),
            Self::Grid => (0xE2, 0xE4, 0xE8),
            Self::Paper => (0xFF, 0xFF, 0xFF),
            Self::Shade => (0xF3, 0xF4, 0xF6),
            Self::Actual => (0x40, 0x45, 0x4E),
            Self::Light => (0xA7, 0xAD, 0xB6),
            Self::Blue => (0x00, 0x72, 0xB2),
            Self::Vermillion => (0xD5, 0x5E, 0x00),
            Self::Orange => (0xE6, 0x9F, 0x00),
            Self::Green => (0x00, 0x9E, 0x73),
            Self::Purple => (0xCC, 0x79, 0xA7),
        }
    }

    /// The colour as SVG writes it: `#0072B2`.
    pub(crate) fn hex(self) -> String {
        let (red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }

    /// The name a style sheet knows it by: `--blue`.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Text => "--text",
            Self::Muted => "--muted",
            Self::Axis => "--axis",
            Self::Grid => "--grid",
            Self::Paper => "--paper",
            Self::Shade => "--shade",
            Self::Actual => "--actual",
            Self::Light => "--light",
            Self::Blue => "--blue",
            Self::Vermillion => "--vermillion",
            Self::Orange => "--orange",
            Self::Green => "--green",
            Self::Purple => "--purple",
        }
    }
}

/// Where a text stands with respect to its point; it is always centred in height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// A shape. Lengths are logical pixels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shape {
    /// A line through points.
    Line { points: Vec<(f64, f64)>, ink: Ink, width: f64 },
    /// An area.
    Area { points: Vec<(f64, f64)>, ink: Ink, opacity: f64 },
    /// A disc; hollow ones show the paper inside.
    Disc { centre: (f64, f64), radius: f64, ink: Ink, hollow: bool },
    /// Words.
    Words { at: (f64, f64), text: String, size: f64, bold: bool, anchor: Anchor, ink: Ink },
}

/// A drawing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
}

/// How wide a drawing may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A sheet or a screen.
    Wide,
    /// A phone.
    Narrow,
}

impl Layout {
    /// Width in logical pixels.
    pub(crate) fn width(self) -> f64 {
        match self {
            Self::Wide => 1000.0,
            Self::Narrow => 360.0,
        }
    }
}

/// Size of words in a chart.
pub(crate) const SIZE: f64 = 13.0;

impl Scene {
    pub(crate) fn new(layout: Layout, height: f64) -> Self {
        Self { width: layout.width(), height, shapes: Vec::new() }
    }

    /// The same with room around it, a title above and a line below that says where it comes from.
    pub(crate) fn framed(self, title: &str, foot: &str) -> Self {
        const ROOM: f64 = 24.0;
        const LINE: f64 = 28.0;
        let (width, height) = (self.width + 2.0 * ROOM, self.height + 2.0 * (ROOM + LINE));
        let mut framed = Self { width, height, shapes: Vec::new() };
        framed.write((ROOM, ROOM + 2.0), title, SIZE + 1.5, true, Anchor::Start, Ink::Text);
        framed.shapes.extend(self.shapes.into_iter().map(|shape| moved(shape, (ROOM, ROOM + LINE))));
        framed.small((ROOM, height - ROOM), foot, Anchor::Start, Ink::Muted);
        framed
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: Ink, width: f64) {
        self.shapes.push(Shape::Line { points: vec![from, to], ink, width });
    }

    pub(crate) fn path(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64, dash: Option<(f64, f64)>) {
        match dash {
            None => self.shapes.push(Shape::Line { points, ink, width }),
            Some((on, off)) => {
                for points in dashes(&points, on, off) {
                    self.shapes.push(Shape::Line { points, ink, width });
                }
            }
        }
    }

    pub(crate) fn area(&mut self, points: Vec<(f64, f64)>, ink: Ink, opacity: f64) {
        self.shapes.push(Shape::Area { points, ink, opacity });
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, ink: Ink) {
        let (right, bottom) = (x + width, y + height);
        self.area(vec![(x, y), (right, y), (right, bottom), (x, bottom)], ink, 1.0);
    }

    pub(crate) fn outline(&mut self, x: f64, y: f64, width: f64, height: f64, ink: Ink) {
        let (right, bottom) = (x + width, y + height);
        let points = vec![(x, y), (right, y), (right, bottom), (x, bottom), (x, y)];
        self.shapes.push(Shape::Line { points, ink, width: 1.3 });
    }

    pub(crate) fn disc(&mut self, centre: (f64, f64), radius: f64, ink: Ink, hollow: bool) {
        self.shapes.push(Shape::Disc { centre, radius, ink, hollow });
    }

    pub(crate) fn words(&mut self, at: (f64, f64), text: &str, anchor: Anchor, ink: Ink) {
        self.write(at, text, SIZE, false, anchor, ink);
    }

    pub(crate) fn heading(&mut self, at: (f64, f64), text: &str) {
        self.write(at, text, SIZE, true, Anchor::Start, Ink::Text);
    }

    pub(crate) fn small(&mut self, at: (f64, f64), text: &str, anchor: Anchor, ink: Ink) {
        self.write(at, text, SIZE - 1.5, false, anchor, ink);
    }

    fn write(&mut self, at: (f64, f64), text: &str, size: f64, bold: bool, anchor: Anchor, ink: Ink) {
        if !text.is_empty() {
            self.shapes.push(Shape::Words { at, text: text.to_owned(), size, bold, anchor, ink });
        }
    }
}

/// A shape moved to the right and down.
pub(super) fn moved(shape: Shape, (right, down): (f64, f64)) -> Shape {
    let to = |(x, y): (f64, f64)| (x + right, y + down);
    let all = |points: Vec<(f64, f64)>| points.into_iter().map(to).collect();
    match shape {
        Shape::Line { points, ink, width } => Shape::Line { points: all(points), ink, width },
        Shape::Area { points, ink, opacity } => Shape::Area { points: all(points), ink, opacity },
        Shape::Disc { centre, radius, ink, hollow } => Shape::Disc { centre: to(centre), radius, ink, hollow },
        Shape::Words { at, text, size, bold, anchor, ink } => {
            Shape::Words { at: to(at), text, size, bold, anchor, ink }
        }
    }
}

/// The strokes of a dashed line.
fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut strokes = Vec::new();
    let mut stroke: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, on);
    for pair in points.windows(2) {
        let ((mut x, mut y), to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - x).hypot(to.1 - y);
            if length <= left {
                left -= length;
                if drawing {
                    stroke.push(to);
                }
                break;
            }
            x += (to.0 - x) * left / length;
            y += (to.1 - y) * left / length;
            if drawing {
                stroke.push((x, y));
                strokes.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![(x, y)];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if stroke.len() > 1 {
        strokes.push(stroke);
    }
    strokes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inks_look_the_same() {
        let mut colours: Vec<String> = Ink::ALL.iter().map(|ink| ink.hex()).collect();
        colours.sort();
        colours.dedup();
        assert_eq!(colours.len(), Ink::ALL.len());
    }

    #[test]
    fn dashes_go_round_corners() {
        let strokes = dashes(&[(0.0, 0.0), (3.0, 0.0), (3.0, 5.0)], 4.0, 2.0);
        assert_eq!(strokes, [vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)], vec![(3.0, 3.0), (3.0, 5.0)]]);
    }
}
