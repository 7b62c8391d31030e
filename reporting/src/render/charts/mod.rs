//! Charts: from what is to be shown to a scene, and from there to SVG and PNG.

mod axis;
mod bars;
mod columns;
mod curves;
mod dots;
mod paint;
mod runs;
mod scene;

use std::path::Path;

pub(crate) use paint::{FONT, width};
use scene::Scene;
pub(crate) use scene::{Ink, Layout};

use crate::Error;
use crate::report::Figure;
use crate::report::chart::Chart;

fn draw(chart: &Chart, layout: Layout) -> Scene {
    match chart {
        Chart::Dots(dots) => dots::draw(dots, layout),
        Chart::Runs(runs) => runs::draw(runs, layout),
        Chart::Columns(columns) => columns::draw(columns, layout),
        Chart::Bars(bars) => bars::draw(bars, layout),
        Chart::Curves(curves) => curves::draw(curves, layout),
    }
}

/// The chart as an SVG document of its own, on white, with its caption above and `foot` below.
pub(crate) fn standalone(figure: &Figure, foot: &str) -> Result<String, Error> {
    let scene = draw(&figure.chart, Layout::Wide).framed(&figure.caption, foot);
    let svg = paint::svg(&scene).map_err(|problem| failed(figure, &problem))?;
    let paper = format!(r#"<rect width="100%" height="100%" fill="{}"/>"#, Ink::Paper.hex());
    Ok(with_root(&svg, &scene, figure, "", &paper))
}

/// The chart as an SVG element for a page, in the colours of the page's theme. `id` is unique in the page.
pub(crate) fn inline(figure: &Figure, layout: Layout, class: &str) -> Result<String, Error> {
    let scene = draw(&figure.chart, layout);
    let mut svg = paint::svg(&scene).map_err(|problem| failed(figure, &problem))?;
    for ink in Ink::ALL {
        svg = svg.replace(&format!("\"{}\"", ink.hex()), &format!("\"var({})\"", ink.variable()));
    }
    Ok(with_root(&svg, &scene, figure, class, ""))
}

/// The chart as an SVG document of its own, without words around it.
pub(crate) fn plain(figure: &Figure) -> Result<String, Error> {
    let scene = draw(&figure.chart, Layout::Wide);
    let svg = paint::svg(&scene).map_err(|problem| failed(figure, &problem))?;
    Ok(with_root(&svg, &scene, figure, "", ""))
}

/// The same as [`standalone`] as a PNG file at twice its logical size.
pub(crate) fn write_png(figure: &Figure, foot: &str, path: &Path) -> Result<(), Error> {
    let scene = draw(&figure.chart, Layout::Wide).framed(&figure.caption, foot);
    paint::write_png(&scene, path).map_err(|problem| failed(figure, &problem))
}

fn failed(figure: &Figure, problem: &paint::Problem) -> Error {
    Error::Draw { chart: figure.id.to_owned(), problem: problem.to_string() }
}

/// The document with a root that scales, and words for those who do not see it.
fn with_root(svg: &str, scene: &Scene, figure: &Figure, class: &str, ground: &str) -> String {
    let view = svg.split_once("viewBox=\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(view, _)| view);
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let class = if class.is_empty() { String::new() } else { format!(r#" class="{class}""#) };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}" width="{}" height="{}"{class} role="img" font-family="{FONT}, system-ui, 'Helvetica Neue', Arial, sans-serif"><title>{}</title><desc>{}</desc>{ground}{}"#,
        scene.width,
        scene.height,
        escaped(&figure.caption),
        escaped(&figure.description),
        // The root says what holds for all of them.
        body.replace("\n</text>", "</text>")
            .replace(&format!(r#" font-family="{FONT}""#), "")
            .replace(r#" opacity="1""#, ""),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
