//! Sorts the files of a chart, and reads those that say what it is.

use super::archive::unpack;
use super::file::{ChartError, File};
use super::metadata::Metadata;
use super::model::Chart;
use crate::value::{Map, Value, text};
use crate::yaml::from_yaml;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Charts within charts.
const DEPTH: usize = 32;

impl Chart {
    /// Reads a chart out of its files.
    pub(crate) fn read(files: Vec<File>) -> Result<Chart, ChartError> {
        Chart::read_within(files, 0)
    }

    fn read_within(files: Vec<File>, depth: usize) -> Result<Chart, ChartError> {
        if depth > DEPTH {
            return Err(ChartError::new(None, format!("charts nest deeper than {DEPTH} levels")));
        }
        let Some(head) = files.iter().find(|file| file.name == "Chart.yaml") else {
            return Err(ChartError::new(None, "Chart.yaml file is missing"));
        };
        let mut metadata = Metadata::read(&read_yaml(head, "cannot load Chart.yaml")?)?;
        let mut sorted = Sorted::default();
        for file in files {
            sorted.take(file, &mut metadata)?;
        }
        metadata.validate()?;
        let mut dependencies = Vec::new();
        for (name, files) in sorted.charts {
            let around = |error: ChartError| error.below(&name);
            if name.starts_with(['_', '.']) {
                continue;
            }
            let files = if name.ends_with(".tgz") {
                match files.into_iter().next() {
                    Some(file) if file.name.is_empty() => unpack(&file.data).map_err(around)?,
                    _ => return Err(around(ChartError::new(None, "an archive that is a folder"))),
                }
            } else {
                // A file that is in `charts/` itself is no chart.
                files.into_iter().filter(|file| !file.name.is_empty()).collect()
            };
            dependencies.push(Chart::read_within(files, depth + 1).map_err(around)?);
        }
        Ok(Chart {
            metadata,
            values: sorted.values,
            schema: sorted.schema,
            templates: sorted.templates.into(),
            files: sorted.files.into(),
            dependencies,
        })
    }
}

/// The files of a chart, each where it belongs.
struct Sorted {
    values: Rc<Map>,
    schema: Option<Rc<[u8]>>,
    templates: Vec<File>,
    files: Vec<File>,
    charts: BTreeMap<String, Vec<File>>,
}

impl Default for Sorted {
    fn default() -> Self {
        Sorted {
            values: Rc::new(Map::new(BTreeMap::new())),
            schema: None,
            templates: Vec::new(),
            files: Vec::new(),
            charts: BTreeMap::new(),
        }
    }
}

impl Sorted {
    fn take(&mut self, file: File, metadata: &mut Metadata) -> Result<(), ChartError> {
        let old = metadata.api_version == "v1";
        match file.name.as_str() {
            "Chart.yaml" | "Chart.lock" => {}
            "values.yaml" => self.values = read_map(&file, "cannot load values.yaml")?,
            "values.schema.json" => self.schema = Some(file.data.into()),
            "requirements.yaml" => {
                metadata.read_requirements(&read_yaml(&file, "cannot load requirements.yaml")?)?;
                if old {
                    self.files.push(file);
                }
            }
            "requirements.lock" if !old => {}
            name if name.starts_with("templates/") => self.templates.push(file),
            name if name.starts_with("charts/") && !name.ends_with(".prov") => {
                let below = name["charts/".len()..].to_owned();
                let (chart, rest) = below.split_once('/').unwrap_or((&below, ""));
                let file = File { name: rest.to_owned(), data: file.data };
                self.charts.entry(chart.to_owned()).or_default().push(file);
            }
            _ => self.files.push(file),
        }
        Ok(())
    }
}

fn read_yaml(file: &File, around: &str) -> Result<Value, ChartError> {
    from_yaml(&text(&file.data))
        .map_err(|words| ChartError::new(Some(&file.name), format!("{around}: {words}")))
}

fn read_map(file: &File, around: &str) -> Result<Rc<Map>, ChartError> {
    match read_yaml(file, around)? {
        Value::Map(map) => Ok(map),
        Value::Nil => Ok(Rc::new(Map::new(BTreeMap::new()))),
        _ => Err(ChartError::new(Some(&file.name), format!("{around}: the file holds no map of values"))),
    }
}
