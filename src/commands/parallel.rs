//! A function over a slice on several threads, results in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};

/// Writing waits for the disk far longer than it computes, so there are more threads than cores.
const WAITING: usize = 8;

/// Threads for what computes all the time: more than cores would only take memory and get into each other's way.
pub fn computing(threads: usize) -> usize {
    match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    }
}

/// Threads for what waits for the disk.
fn waiting(threads: usize) -> usize {
    if threads == 0 { WAITING } else { threads }
}

/// Maps every item; `threads` of 0 means as many as pay off.
pub fn map<I: Sync, O: Send>(items: &[I], threads: usize, function: impl Fn(&I) -> O + Sync) -> Vec<O> {
    let next = AtomicUsize::new(0);
    let done = Done::new(items.len());
    std::thread::scope(|scope| {
        for _ in 0..waiting(threads).min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = take(&next, items) {
                    done.add(index, function(item));
                }
            });
        }
    });
    done.in_order()
}

/// Maps every item in two steps: one that computes, on as many threads as there are cores, and one that writes, on more. A few
/// results of the first wait for the second, so that memory does not grow with the items.
pub fn compute_and_write<I: Sync, M: Send, O: Send>(
    items: &[I],
    threads: usize,
    compute: impl Fn(&I) -> M + Sync,
    write: impl Fn(M) -> O + Sync,
) -> Vec<O> {
    let (computing, writing) = (computing(threads), waiting(threads));
    // Several items at a time, for handing over wakes a thread; yet every thread shall have its share.
    let share = (items.len() / (computing + writing)).clamp(1, 16);
    let shares: Vec<&[I]> = items.chunks(share).collect();
    let next = AtomicUsize::new(0);
    let done = Done::new(shares.len());
    let (sender, receiver) = sync_channel(computing);
    let receiver = Arc::new(Mutex::new(receiver));
    std::thread::scope(|scope| {
        for _ in 0..computing.min(shares.len()) {
            let (sender, next, shares, compute) = (sender.clone(), &next, &shares, &compute);
            scope.spawn(move || {
                while let Some((index, share)) = take(next, shares) {
                    // Nobody listens only when every writer panicked, which the scope tells.
                    let _ = sender.send((index, share.iter().map(compute).collect::<Vec<M>>()));
                }
            });
        }
        drop(sender);
        for _ in 0..writing.min(shares.len()) {
            let (receiver, done, write) = (Arc::clone(&receiver), &done, &write);
            scope.spawn(move || {
                loop {
                    let received = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((index, computed)) = received else { break };
                    done.add(index, computed.into_iter().map(write).collect::<Vec<O>>());
                }
            });
        }
        drop(receiver);
    });
    done.in_order().into_iter().flatten().collect()
}

fn take<'i, I>(next: &AtomicUsize, items: &'i [I]) -> Option<(usize, &'i I)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

/// Results as they come.
struct Done<O>(Mutex<Vec<(usize, O)>>);

impl<O> Done<O> {
    fn new(count: usize) -> Self {
        Self(Mutex::new(Vec::with_capacity(count)))
    }

    fn add(&self, index: usize, output: O) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((index, output));
    }

    fn in_order(self) -> Vec<O> {
        let mut done = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, output)| output).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{compute_and_write, map};

    #[test]
    fn results_keep_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        let doubled: Vec<_> = items.iter().map(|i| i * 2).collect();
        for threads in [0, 1, 3] {
            assert_eq!(map(&items, threads, |item| item * 2), doubled);
            assert_eq!(compute_and_write(&items, threads, |item| item + item, |sum| sum), doubled);
        }
        assert!(map(&[], 0, |item: &u8| *item).is_empty());
        assert!(compute_and_write(&[], 0, |item: &u8| *item, |item| item).is_empty());
    }
}
