//! The order of keys: letters by code, digits by the number that they make, everything else before letters.
//!
//! That order is not transitive (`021` < `0o` < `7` < `021`): such maps come out of Helm in another order each time, and the
//! sorts of the standard library may panic on them. So keys are merged here, which takes any order.

use crate::functions::letters::{is_digit, is_letter};
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Sorts by `compare`, which need not be transitive; what is equal stays as it is.
pub(super) fn sorted<T>(items: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let mut runs: VecDeque<VecDeque<T>> = items.into_iter().map(|item| VecDeque::from([item])).collect();
    while runs.len() > 1 {
        let mut merged = VecDeque::with_capacity(runs.len().div_ceil(2));
        while let Some(left) = runs.pop_front() {
            merged.push_back(match runs.pop_front() {
                Some(right) => merge(left, right, &compare),
                None => left,
            });
        }
        runs = merged;
    }
    runs.pop_front().map(Vec::from).unwrap_or_default()
}

fn merge<T>(
    mut left: VecDeque<T>,
    mut right: VecDeque<T>,
    compare: &impl Fn(&T, &T) -> Ordering,
) -> VecDeque<T> {
    let mut out = VecDeque::with_capacity(left.len() + right.len());
    while let (Some(a), Some(b)) = (left.front(), right.front()) {
        let next = if compare(a, b).is_gt() { right.pop_front() } else { left.pop_front() };
        out.extend(next);
    }
    out.append(&mut left);
    out.append(&mut right);
    out
}

/// Compares two keys as go-yaml sorts them; its third version puts a letter before other characters where digits stood before.
pub(super) fn compare(a: &str, b: &str, third: bool) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = (0..a.len().min(b.len())).find(|&at| a[at] != b[at]) else { return a.len().cmp(&b.len()) };
    let (left, right) = (is_letter(a[at]), is_letter(b[at]));
    if left && right {
        return a[at].cmp(&b[at]);
    }
    if left || right {
        let digits = third && at > 0 && is_digit(a[at - 1]);
        return if right != digits { Ordering::Less } else { Ordering::Greater };
    }
    // A zero counts as a digit of a number that has begun before it.
    let begun = (a[at] == '0' || b[at] == '0')
        && a[..at].iter().rev().take_while(|c| is_digit(**c)).any(|&c| c != '0');
    let (a_number, a_end) = number(&a, at, begun);
    let (b_number, b_end) = number(&b, at, begun);
    a_number.cmp(&b_number).then(a_end.cmp(&b_end)).then(a[at].cmp(&b[at]))
}

fn number(text: &[char], from: usize, begun: bool) -> (i64, usize) {
    let mut number = i64::from(begun);
    let mut at = from;
    while at < text.len() && is_digit(text[at]) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(text[at] as u32) - i64::from('0' as u32));
        at += 1;
    }
    (number, at)
}
