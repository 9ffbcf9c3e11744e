//! A function over a slice on several threads, results in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Writing waits for the disk far longer than it computes, so there are more threads than cores.
const WAITING: usize = 8;

/// Threads for what computes all the time: more than cores would only take memory and get into each other's way.
pub fn computing(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Maps every item; `threads` of 0 means as many as pay off.
pub fn map<I: Sync, O: Send>(items: &[I], threads: usize, function: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let threads = if threads == 0 { WAITING } else { threads }.min(items.len());
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let output = function(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((index, output));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [0, 1, 3] {
            assert_eq!(
                super::map(&items, threads, |item| item * 2),
                items.iter().map(|i| i * 2).collect::<Vec<_>>()
            );
        }
        assert!(super::map(&[], 0, |item: &u8| *item).is_empty());
    }
}
