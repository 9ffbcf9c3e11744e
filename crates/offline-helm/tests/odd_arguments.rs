//! Every function with arguments that nobody would think of: it may refuse them, but neither panic, nor hang, nor eat the memory.

use offline_helm::functions::{self, Type};
use offline_helm::template::with_stack;
use offline_helm::value::{IntKind, List, ListType, Value};
use std::rc::Rc;
use std::time::Instant;

/// A sequence of numbers that is the same on each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick(&mut self, values: &[Value]) -> Value {
        values[self.roll(values.len())].clone()
    }
}

struct Odd {
    ints: Vec<i64>,
    texts: Vec<Value>,
    maps: Vec<Value>,
    lists: Vec<Value>,
    anything: Vec<Value>,
}

fn call(name: &str, args: &[Value]) -> Value {
    let function = functions::find(name).expect("a function");
    (function.call)(args).expect("a value")
}

impl Odd {
    fn new() -> Odd {
        let ints =
            vec![0, 1, -1, 2, 3, 7, -8, 64, 1_000, i64::MAX, i64::MIN, i64::MAX - 1, 1 << 40, 4_000_000_000];
        let texts: Vec<&[u8]> = vec![
            b"",
            b"a",
            b"abc",
            b"\xff\xfe",
            "\u{e9}\u{212a}\u{1f600}".as_bytes(),
            b"-1",
            b"1e400",
            b"0x1p-1",
            b"1.2.3-rc.1+b",
            b"^1 || >2 <3 - 4",
            b"(a*)*b",
            b"[",
            b"\\",
            b"$1${",
            b"%v %d %[9]s %-*.*f",
            b"{{ . }}",
            b"a: [b",
            b"{\"a\":",
            b"-----BEGIN X PRIVATE KEY-----\nAA==\n-----END X PRIVATE KEY-----\n",
            b"2006-01-02 _2 .000 MST",
            b"1h",
            b"9999999999h",
            b"http://u:p@[::1%25x]:1/%zz?#",
            b"..//./a/",
            b"\n\n\t ",
            b"long",
            b"\0",
            b"America/New_York",
            b"AQ==",
            b"=",
        ];
        let mut texts: Vec<Value> = texts.into_iter().map(Value::str).collect();
        texts.push(Value::str("ab, ".repeat(5_000)));
        let ring = Value::map([("a".into(), Value::int(1))]);
        ring.as_map().expect("a map").set("self", ring.clone());
        let mut deep = Value::list(Vec::new());
        for _ in 0..20_000 {
            deep = Value::list(vec![deep]);
        }
        let maps = vec![
            Value::Nil,
            Value::map([]),
            Value::map([("a".into(), Value::Nil), ("b".into(), Value::map([("c".into(), Value::int(3))]))]),
            Value::values([("scheme".into(), Value::str("x")), ("host".into(), Value::int(4))]),
            ring.clone(),
        ];
        let lists = vec![
            Value::List(Rc::new(List::nil(ListType::Any))),
            Value::list(Vec::new()),
            Value::list(vec![Value::Nil, Value::int(i64::MIN), Value::Float(f64::NAN), Value::str("x")]),
            Value::list(vec![ring.clone(), ring, Value::map([])]),
            Value::list((0..3_000).map(Value::int).collect()),
            deep,
        ];
        let mut anything = vec![
            Value::Bool(true),
            Value::Float(f64::INFINITY),
            Value::Float(-0.0),
            Value::Float(1e300),
            Value::Float(5e-324),
            Value::Bytes(b"\xff"[..].into()),
            Value::Int(-1, IntKind::Uint64),
            Value::Int(i64::MIN, IntKind::Duration),
            call("semver", &[Value::str("1.2.3")]),
            call("genCA", &[Value::str("x"), Value::int(1)]),
            call("now", &[]),
            Value::strings(["a", "b"]),
        ];
        anything.extend(ints.iter().map(|&number| Value::int(number)));
        anything.extend(texts.iter().chain(&maps).chain(&lists).cloned());
        Odd { ints, texts, maps, lists, anything }
    }

    fn argument(&self, kind: Type, dice: &mut Dice) -> Value {
        let number = self.ints[dice.roll(self.ints.len())];
        match kind {
            Type::Any | Type::Reflect => dice.pick(&self.anything),
            Type::Str => dice.pick(&self.texts),
            Type::Int => Value::int(number),
            Type::Int64 => Value::int64(number),
            Type::Uint32 => Value::Int(i64::from(number as u32), IntKind::Uint32),
            Type::Bool => Value::Bool(number > 0),
            Type::Float => Value::Float(number as f64 / 3.0),
            Type::Map => dice.pick(&self.maps),
            Type::List => dice.pick(&self.lists),
            Type::Strings => Value::strings(["a", ""]),
            Type::Lists => Value::List(Rc::new(List::typed(ListType::Lists, vec![dice.pick(&self.lists)]))),
            Type::Object("time.Time") => call("now", &[]),
            Type::Object("sprig.certificate") => call("genCA", &[Value::str("x"), Value::int(1)]),
            Type::Object(other) => panic!("no value of type {other}"),
        }
    }
}

#[test]
fn no_function_panics_or_hangs() {
    let slow = with_stack(|| {
        let mut dice = Dice(1);
        let mut slow = Vec::new();
        for function in functions::all() {
            // Anew, since some functions change what they are given.
            let odd = Odd::new();
            for _ in 0..if function.name == "derivePassword" { 3 } else { 100 } {
                let further = function.rest.map_or(0, |_| dice.roll(4));
                let kinds = function
                    .params
                    .iter()
                    .copied()
                    .chain(std::iter::repeat_n(function.rest, further).flatten());
                let args: Vec<Value> = kinds.map(|kind| odd.argument(kind, &mut dice)).collect();
                let start = Instant::now();
                let _ = (function.call)(&args);
                let seconds = start.elapsed().as_secs_f64();
                if seconds > 2.0 {
                    slow.push(format!("{} takes {seconds} s", function.name));
                }
            }
        }
        slow
    });
    assert!(slow.is_empty(), "{slow:?}");
}
