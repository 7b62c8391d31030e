//! From a scene to SVG and PNG through plotters, with the bundled font: no font of the system is opened.

use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font};

use super::scene::{Anchor, Ink, Scene, Shape};
use crate::report::text::NARROW;

/// Family name of the bundled font.
pub(crate) const FONT: &str = "Inter";

/// Device units per logical pixel in SVG: coordinates are whole numbers there, so this is its precision.
const SVG_SCALE: f64 = 4.0;

/// Pixels per logical pixel in PNG.
const PNG_SCALE: f64 = 2.0;

/// Plotters writes SVG font sizes divided by this, and scales glyphs by about as much.
const FONT_SCALE: f64 = 1.24;

/// What plotters could not do.
pub(crate) type Problem = Box<dyn std::error::Error>;

/// Makes the bundled font known. The bytes are part of the program, so it fails only if they are damaged.
fn fonts() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| {
        let regular = include_bytes!("../../../assets/inter-regular.ttf");
        let bold = include_bytes!("../../../assets/inter-semibold.ttf");
        register_font(FONT, FontStyle::Normal, regular).is_ok() && register_font(FONT, FontStyle::Bold, bold).is_ok()
    })
}

/// Width of words in logical pixels.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    // Measured large, since plotters counts in whole pixels.
    const LARGE: f64 = 16.0;
    fonts();
    let measured = font(size * LARGE, bold).box_size(&text.replace(NARROW, " ")).map_or(0, |(width, _)| width);
    f64::from(measured) / LARGE
}

/// The drawing as an SVG document without a background, its lengths in quarters of a logical pixel.
pub(crate) fn svg(scene: &Scene) -> Result<String, Problem> {
    fonts();
    let mut text = String::new();
    {
        let size = (device(scene.width, SVG_SCALE), device(scene.height, SVG_SCALE));
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        replay(scene, &area, SVG_SCALE, 0.0)?;
        area.present()?;
    }
    Ok(text)
}

/// Writes the drawing as a PNG file at twice its logical size, on white.
pub(crate) fn write_png(scene: &Scene, path: &std::path::Path) -> Result<(), Problem> {
    fonts();
    let size = (device(scene.width, PNG_SCALE), device(scene.height, PNG_SCALE));
    let area = BitMapBackend::new(path, size).into_drawing_area();
    area.fill(&colour(Ink::Paper))?;
    // Plotters sets words higher in bitmaps than in SVG, by an eighth of their size.
    replay(scene, &area, PNG_SCALE, 0.12)?;
    area.present()?;
    Ok(())
}

fn replay<DB: DrawingBackend>(
    scene: &Scene,
    area: &DrawingArea<DB, Shift>,
    scale: f64,
    lower: f64,
) -> Result<(), Problem>
where
    DB::ErrorType: 'static,
{
    let at = |(x, y): (f64, f64)| (whole_signed(x * scale), whole_signed(y * scale));
    let all = |points: &[(f64, f64)]| points.iter().map(|point| at(*point)).collect::<Vec<_>>();
    for shape in &scene.shapes {
        match shape {
            Shape::Line { points, ink, width } => {
                let style: ShapeStyle = colour(*ink).stroke_width(device(*width, scale).max(1));
                area.draw(&PathElement::new(all(points), style))?;
            }
            Shape::Area { points, ink, opacity } => {
                area.draw(&Polygon::new(all(points), colour(*ink).mix(*opacity).filled()))?;
            }
            Shape::Disc { centre, radius, ink, hollow } => {
                let reach = |length: f64| whole_signed(length * scale);
                area.draw(&Circle::new(at(*centre), reach(*radius), colour(*ink).filled()))?;
                if *hollow {
                    area.draw(&Circle::new(at(*centre), reach(*radius - 1.6), colour(Ink::Paper).filled()))?;
                }
            }
            Shape::Words { at: (x, y), text, size, bold, anchor, ink } => {
                let place = match anchor {
                    Anchor::Start => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::End => HPos::Right,
                };
                let ink = colour(*ink);
                let style = TextStyle::from(font(size * scale, *bold)).pos(Pos::new(place, VPos::Center)).color(&ink);
                area.draw(&Text::new(text.replace(NARROW, " "), at((*x, y + size * FONT_SCALE * lower)), style))?;
            }
        }
    }
    Ok(())
}

fn font(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::Name(FONT), size * FONT_SCALE, style)
}

fn colour(ink: Ink) -> RGBColor {
    let (red, green, blue) = ink.rgb();
    RGBColor(red, green, blue)
}

fn device(length: f64, scale: f64) -> u32 {
    whole(length * scale)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(length: f64) -> u32 {
    length.round().max(0.0) as u32
}

#[allow(clippy::cast_possible_truncation)]
fn whole_signed(length: f64) -> i32 {
    length.round() as i32
}
