//! Answers that are given again for a while, for the methods that the configuration names.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use super::counts::CacheCounts;
use super::names::Names;

/// Answers of one route, shared by its workers. When there is no room the oldest go.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    rules: Vec<(Names, Duration)>,
    max_bytes: usize,
    kept: Mutex<Kept>,
    counts: CacheCounts,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Arc<str>, Answer>,
    /// The keys, the oldest first, with the number of the answer that each was put there for.
    order: VecDeque<(Arc<str>, u64)>,
    bytes: usize,
    last: u64,
}

#[derive(Debug)]
struct Answer {
    result: Arc<RawValue>,
    until: Instant,
    number: u64,
}

/// What it costs to keep an answer beyond its text and its key.
const KEEPING_BYTES: usize = 256;

impl Cache {
    /// Keeps answers of these methods for so long, all together in `max_bytes`.
    pub(crate) fn new(
        rules: Vec<(Names, Duration)>,
        max_bytes: usize,
        counts: CacheCounts,
    ) -> Self {
        Self { rules, max_bytes, kept: Mutex::default(), counts }
    }

    /// How long answers of this method are kept; `None` for those that are not.
    pub(crate) fn keeps(&self, method: &str) -> Option<Duration> {
        self.rules.iter().find(|(names, _)| names.has(method)).map(|(_, within)| *within)
    }

    /// Under which key an answer is kept.
    pub(crate) fn key(method: &str, params: Option<&RawValue>) -> Arc<str> {
        [method, " ", params.map_or("[]", RawValue::get)].concat().into()
    }

    /// An answer that is still good.
    pub(crate) fn find(&self, key: &str) -> Option<Box<RawValue>> {
        let now = Instant::now();
        let result = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let answer = kept.answers.get(key).filter(|answer| answer.until > now);
            answer.map(|answer| Arc::clone(&answer.result))
        };
        self.counts.looked(result.is_some());
        result.map(|result| (*result).to_owned())
    }

    /// Keeps an answer; one that is larger than an eighth of all room is not worth it.
    pub(crate) fn keep(&self, key: Arc<str>, result: &RawValue, within: Duration) {
        let cost = cost(&key, result);
        if cost > self.max_bytes / 8 {
            return;
        }
        let until = Instant::now() + within;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&key);
        kept.last += 1;
        let number = kept.last;
        kept.bytes += cost;
        kept.order.push_back((Arc::clone(&key), number));
        kept.answers.insert(key, Answer { result: result.to_owned().into(), until, number });
        kept.shrink_to(self.max_bytes);
    }
}

impl Kept {
    fn remove(&mut self, key: &str) {
        if let Some((key, answer)) = self.answers.remove_entry(key) {
            self.bytes -= cost(&key, &answer.result);
        }
    }

    /// Drops the oldest until the rest has room, and now and then the places in the order that mean
    /// nothing any more.
    fn shrink_to(&mut self, max_bytes: usize) {
        let Self { answers, order, .. } = self;
        if order.len() > 2 * answers.len() + 16 {
            let is_kept =
                |key: &str, number| answers.get(key).is_some_and(|answer| answer.number == number);
            order.retain(|(key, number)| is_kept(key, *number));
        }
        while self.bytes > max_bytes {
            let Some((key, number)) = self.order.pop_front() else { return };
            if self.answers.get(&key).is_some_and(|answer| answer.number == number) {
                self.remove(&key);
            }
        }
    }
}

fn cost(key: &str, result: &RawValue) -> usize {
    KEEPING_BYTES + 2 * key.len() + result.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        serde_json::from_str(json).unwrap()
    }

    fn cache(max_bytes: usize) -> Cache {
        let names = Names::of(["eth_chainId"]);
        Cache::new(vec![(names, Duration::from_secs(10))], max_bytes, CacheCounts::default())
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_good_for_as_long_as_the_rule_says() {
        let cache = cache(1 << 20);
        assert_eq!(cache.keeps("eth_call"), None);
        let within = cache.keeps("eth_chainId").unwrap();
        let key = Cache::key("eth_chainId", None);
        cache.keep(Arc::clone(&key), &raw("\"0x1\""), within);
        assert_eq!(cache.find(&key).unwrap().get(), "\"0x1\"");
        assert!(cache.find(&Cache::key("eth_chainId", Some(&raw("[1]")))).is_none());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(cache.find(&key).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_stays_within_its_bytes() {
        let cache = cache(64 << 10);
        let within = Duration::from_secs(10);
        for number in 0..10_000 {
            let key = Cache::key("eth_chainId", Some(&raw(&format!("[{number}]"))));
            cache.keep(key, &raw("\"0x1\""), within);
            let kept = cache.kept.lock().unwrap();
            assert!(kept.bytes <= 64 << 10);
            assert!(kept.order.len() <= 2 * kept.answers.len() + 17);
        }
        let last = Cache::key("eth_chainId", Some(&raw("[9999]")));
        assert!(cache.find(&last).is_some());
        assert!(cache.find(&Cache::key("eth_chainId", Some(&raw("[0]")))).is_none());
        cache.keep(last, &raw(&format!("\"{}\"", "x".repeat(9 << 10))), within);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_answer_again_and_again_takes_one_place() {
        let cache = cache(64 << 10);
        for _ in 0..10_000 {
            cache.keep(Cache::key("a", None), &raw("1"), Duration::from_secs(1));
        }
        let kept = cache.kept.lock().unwrap();
        assert_eq!((kept.answers.len(), kept.bytes), (1, cost("a []", &raw("1"))));
        assert!(kept.order.len() <= 18);
    }
}
