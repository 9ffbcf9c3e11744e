//! Renders a chart folder or archive as `helm template rel CHART [-f FILE]…` does: `render CHART [FILE]…`

#[path = "../tests/folder/mod.rs"]
mod folder;

use offline_helm::{Layer, Options, render};
use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let chart = args.next().ok_or("render CHART [FILE]…")?;
    let values: Vec<Layer> = args
        .map(|name| std::fs::read_to_string(&name).map(|text| Layer::File { name, text }))
        .collect::<Result<_, _>>()?;
    let options = Options { release: "rel".to_owned(), namespace: "ns".to_owned(), ..Options::default() };
    let rendering = render(folder::read(chart.as_ref())?, &values, &options)?;
    let mut out = std::io::stdout().lock();
    let hooks = rendering.hooks.iter().map(|hook| &hook.manifest);
    for manifest in rendering.manifests.iter().chain(hooks) {
        writeln!(out, "---\n# Source: {}\n{}", manifest.source, manifest.text)?;
    }
    Ok(())
}
