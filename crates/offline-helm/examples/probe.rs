//! Tells which values of a chart give its pods a pull secret: `probe CHART [FILE]…`

#[path = "../tests/folder/mod.rs"]
mod folder;

use offline_helm::probe::probe;
use offline_helm::{Layer, Options};
use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let chart = args.next().ok_or("probe CHART [FILE]…")?;
    let layer = |name: String| std::fs::read_to_string(&name).map(|text| Layer::File { name, text });
    let values = args.map(layer).collect::<Result<Vec<_>, _>>()?;
    let options = Options { release: "rel".to_owned(), namespace: "ns".to_owned(), ..Options::default() };
    let found = probe(folder::read(chart.as_ref())?, &values, &options, &[], &|_| true)?;
    let mut out = std::io::stdout().lock();
    for way in &found.ways {
        writeln!(out, "{} {:?} {} of {}", way.path.join("."), way.shape, way.pods.len(), found.pods.len())?;
    }
    for pod in found.unreached.iter().map(|at| &found.pods[*at]) {
        writeln!(out, "not reached: {} {}", pod.kind, pod.name)?;
    }
    Ok(())
}
