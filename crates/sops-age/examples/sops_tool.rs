//! The SOPS layer on the command line, for `e2e/sops.sh`: text in on stdin, text out on stdout.
//!
//! Not part of the program. Usage: `sops_tool COMMAND [--option VALUE]…`, see `main`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use sops_age::creation_rules::CreationRules;
use sops_age::document::{Encrypted, Timestamp, encrypt, parse_plain};
use sops_age::identity::Identities;
use sops_age::recipients::{Recipient, encrypt_file};
use sops_age::rewrite::{rotate, update_keys};
use sops_age::rules::{Choice, Rules};
use sops_age::tree::Tree;

type Outcome = Result<Vec<u8>, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let mut options: BTreeMap<String, Vec<String>> = BTreeMap::new();
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        options.entry(name).or_default().push(value);
    }
    match run(&command, &Options(options)) {
        Ok(output) if std::io::stdout().write_all(&output).is_ok() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

struct Options(BTreeMap<String, Vec<String>>);

fn run(command: &str, options: &Options) -> Outcome {
    Ok(match command {
        // --recipient R… [--encrypted_regex X | …] [--mac-only true]
        "encrypt" => {
            let documents = parse_plain(&input()?)?;
            encrypt(&documents, &options.rules()?, &options.recipients()?, &now(), &mut random)?.into_bytes()
        }
        // --identity FILE…
        "decrypt" => text(&Encrypted::parse(&input()?)?.decrypt(&options.identities()?)?),
        // --recipient R… --identity FILE…
        "updatekeys" => {
            let old = input()?;
            let new = update_keys(&old, &options.recipients()?, &options.identities()?)?;
            new.unwrap_or(old).into_bytes()
        }
        "rotate" => rotate(&input()?, &options.recipients()?, &options.identities()?, &now(), &mut random)?
            .into_bytes(),
        "age-encrypt" => encrypt_file(input()?.as_bytes(), &options.recipients()?)?.into_bytes(),
        "age-decrypt" => {
            let mut file = Vec::new();
            std::io::stdin().read_to_end(&mut file)?;
            options.identities()?.decrypt_file(&file)?.to_vec()
        }
        // --path P, `.sops.yaml` on stdin
        "rule" => match CreationRules::parse(&input()?)? {
            None => b"none\n".to_vec(),
            Some(rules) => {
                let rule = rules.of(&options.one("--path"))?;
                let recipients = rule.recipients.iter().map(|recipient| format!("{recipient}\n"));
                let (choice, text) = rule.rules.option();
                let options = format!(
                    "{} {text}\nmac_only_encrypted {}\n",
                    choice.key(),
                    rule.rules.mac_only_encrypted()
                );
                recipients.chain([options]).collect::<String>().into_bytes()
            }
        },
        // --seed N
        "random-document" => Generator::new(options.one("--seed").parse()?).file().into_bytes(),
        // --recipient R… --count N: seconds for that many Secrets on one core
        "benchmark" => benchmark(options)?,
        _ => return Err(format!("unknown command `{command}`").into()),
    })
}

impl Options {
    fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    fn one(&self, name: &str) -> String {
        self.all(name).last().cloned().unwrap_or_default()
    }

    fn recipients(&self) -> Result<Vec<Recipient>, Box<dyn std::error::Error>> {
        Ok(self.all("--recipient").iter().map(|text| Recipient::parse(text)).collect::<Result<_, _>>()?)
    }

    fn identities(&self) -> Result<Identities, Box<dyn std::error::Error>> {
        let mut identities = Identities::default();
        for file in self.all("--identity") {
            identities.add(&fs::read_to_string(file)?)?;
        }
        Ok(identities)
    }

    fn rules(&self) -> Result<Rules, Box<dyn std::error::Error>> {
        let option = |choice: Choice| self.all(&format!("--{}", choice.key())).last().map(String::as_str);
        Ok(Rules::from_options(option, self.one("--mac-only") == "true")?)
    }
}

fn input() -> std::io::Result<String> {
    std::io::read_to_string(std::io::stdin())
}

fn text(documents: &[Tree]) -> Vec<u8> {
    let documents: Vec<String> = documents.iter().map(|tree| tree.to_yaml().to_string()).collect();
    documents.join("---\n").into_bytes()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(since.as_secs())
}

fn random(buffer: &mut [u8]) {
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(buffer)).expect("randomness");
}

fn benchmark(options: &Options) -> Outcome {
    let count: u32 = options.one("--count").parse()?;
    let recipients = options.recipients()?;
    let rules = Rules::new(Choice::EncryptedRegex, "^(data|stringData)$", false)?;
    let start = std::time::Instant::now();
    let mut bytes = 0;
    for index in 0..count {
        let secret = Tree::build(|top| {
            top.leaf("apiVersion", "v1").leaf("kind", "Secret").map("metadata", |metadata| {
                metadata.leaf("name", "registry").leaf("namespace", format!("namespace-{index}"));
            });
            top.leaf("type", "kubernetes.io/dockerconfigjson").map("data", |data| {
                data.leaf(".dockerconfigjson", "eyJhdXRocyI6e319".repeat(12));
            });
        });
        bytes += encrypt(&[secret], &rules, &recipients, &now(), &mut random)?.len();
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(format!("{count} secrets, {} recipients, {bytes} bytes: {seconds:.3} s\n", recipients.len())
        .into_bytes())
}

/// Writes documents that use as much of YAML and of SOPS's types as sops itself accepts.
struct Generator {
    state: u64,
    text: String,
    /// Anchors of the document whose nodes are complete, and how many there have been.
    anchors: (Vec<usize>, usize),
}

impl Generator {
    fn new(seed: u64) -> Self {
        Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            text: String::new(),
            anchors: (Vec::new(), 0),
        }
    }

    /// A number below `limit`. [xorshift64*, Vigna 2016]
    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn pick<'p>(&mut self, from: &[&'p str]) -> &'p str {
        from[self.below(from.len())]
    }

    fn file(mut self) -> String {
        let documents = 1 + usize::from(self.below(5) == 0) * (1 + self.below(2));
        for index in 0..documents {
            if index > 0 || self.below(4) == 0 {
                self.text.push_str("---\n");
            }
            self.anchors = (Vec::new(), 0);
            self.mapping(0, 0);
        }
        self.text
    }

    fn mapping(&mut self, indent: usize, depth: usize) {
        const KEYS: [&str; 14] = [
            "data",
            "stringData",
            "metadata",
            "name",
            "a.b/c",
            "\"with space\"",
            "'1'",
            "ünïcode",
            "plain_unencrypted",
            "token_secret",
            "\"yes\"",
            "x:y",
            ".dot",
            "\"\"",
        ];
        let count = 1 + self.below(5);
        for index in 0..count {
            self.comment(indent);
            let key = self.pick(&KEYS);
            // Keys must differ: a number makes them so without hiding what they end in.
            let key = match key.strip_prefix(['"', '\'']) {
                Some(rest) => format!("{}{index}{rest}", &key[..1]),
                None if index > 0 && self.below(3) > 0 => format!("k{index}{key}"),
                None if index > 0 => format!("{index}{key}x"),
                None => key.to_owned(),
            };
            self.text.push_str(&format!("{:indent$}{key}:", ""));
            self.value(indent, depth);
        }
    }

    fn comment(&mut self, indent: usize) {
        if self.below(6) == 0 {
            let text = self.pick(&["encrypt this", "leave this", "note: x", "ünïcode", ""]);
            self.text.push_str(&format!("{:indent$}# {text}\n", ""));
        }
    }

    fn value(&mut self, indent: usize, depth: usize) {
        let kinds = if depth < 4 { 9 } else { 5 };
        match self.below(kinds) {
            0..=3 => {
                let scalar = self.scalar();
                let comment = if self.below(8) == 0 { " # encrypt this" } else { "" };
                self.text.push_str(&format!(" {scalar}{comment}\n"));
            }
            4 => {
                let header = self.pick(&["|", "|-", ">", "|+", ">-"]);
                // No first line with blanks before it: go-yaml writes those wrongly within sequences.
                let lines = self.pick(&["one\n{}two\n", "one\n\n{}two\n", "ünï: #x\n", "a: b\n{}  c\n"]);
                let pad = " ".repeat(indent + 2);
                self.text.push_str(&format!(" {header}\n{pad}{}", lines.replace("{}", &pad)));
            }
            5 | 6 => {
                let anchor = (self.below(4) == 0).then_some(self.anchors.1 + 1);
                if let Some(anchor) = anchor {
                    self.anchors.1 = anchor;
                    self.text.push_str(&format!(" &a{anchor}"));
                }
                self.text.push('\n');
                self.mapping(indent + 2, depth + 1);
                self.anchors.0.extend(anchor);
            }
            7 => {
                self.text.push('\n');
                let count = 1 + self.below(3);
                for _ in 0..count {
                    self.comment(indent + 2);
                    self.text.push_str(&format!("{:1$}-", "", indent + 2));
                    if depth < 3 && self.below(4) == 0 {
                        self.text.push('\n');
                        self.mapping(indent + 4, depth + 2);
                    } else {
                        let scalar = self.scalar();
                        self.text.push_str(&format!(" {scalar}\n"));
                    }
                }
            }
            _ if !self.anchors.0.is_empty() => {
                let count = self.anchors.0.len();
                let index = self.below(count);
                let anchor = self.anchors.0[index];
                self.text.push_str(&format!(" *a{anchor}\n"));
            }
            _ => {
                let flow = self.pick(&[
                    "[]",
                    "{}",
                    "[a, 'b', \"c\", 1, 1.5, ~, true]",
                    "{a: 1, b: {c: [x, \"y: z\"]}}",
                ]);
                self.text.push_str(&format!(" {flow}\n"));
            }
        }
    }

    fn scalar(&mut self) -> String {
        const SCALARS: [&str; 58] = [
            "text",
            "two words",
            "\"quoted\"",
            "'single ''quoted'''",
            "\"tab\\tand\\nline\"",
            "\"\\u00e9\\U0001F600\"",
            "''",
            "\"\"",
            "~",
            "null",
            "",
            "true",
            "False",
            "yes",
            "off",
            "0",
            "-0",
            "42",
            "-7",
            "+12",
            "0x1F",
            "0o17",
            "0777",
            "0b101",
            "1_000",
            "08",
            "9223372036854775807",
            "-9223372036854775808",
            "99999999999999999999999",
            "1.0",
            "3.14",
            "-0.5",
            ".5",
            "1.",
            "1e6",
            "1E-7",
            "6.02e23",
            "1e21",
            "123456789.125",
            "5e-324",
            ".inf",
            "-.Inf",
            "2001-12-14",
            "2001-12-14t21:59:43.10-05:00",
            "2001-12-14 21:59:43.5",
            "2001-12-15T02:59:43.1Z",
            "2001-13-01",
            "1:30",
            "190:20:30",
            "!!str 42",
            "!!float 3",
            "!!binary aGVsbG8=",
            "0.1",
            "1.2.3",
            "https://example.com/a?b=c#d",
            "a:b",
            "*x*",
            "ümläut",
        ];
        let scalar = SCALARS[self.below(SCALARS.len())];
        match scalar {
            "*x*" => format!("\"random {}\"", self.below(1_000_000)),
            "0.1" => format!("{}.{}", self.below(1000), self.below(1_000_000)),
            other => other.to_owned(),
        }
    }
}
