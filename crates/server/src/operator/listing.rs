//! How much of a long list one answer shows.

use axum::http::StatusCode;

use super::problem::Problem;

/// Entries of an answer, unless told.
pub(super) const LIMIT: usize = 100;

/// Most entries of an answer, and most devices of one message.
pub(super) const MAX_LIMIT: usize = 1_000;

/// As many as are asked for of what `find` finds, which is told how many to look for; and behind
/// which entry to go on, where there are more.
pub(super) fn paged<T, K>(
    limit: Option<usize>,
    find: impl FnOnce(usize) -> Vec<T>,
    key: impl FnOnce(&T) -> K,
) -> Result<(Vec<T>, Option<K>), Problem> {
    let limit = checked(limit.unwrap_or(LIMIT))?;
    // One more than is shown tells whether there are more.
    let mut found = find(limit + 1);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(key);
    Ok((found, next))
}

/// So many, where an answer may have as many.
pub(super) fn checked(limit: usize) -> Result<usize, Problem> {
    if (1..=MAX_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let reason = format!("`limit` is 1 to {MAX_LIMIT}, not {limit}");
    Err(Problem::new(StatusCode::BAD_REQUEST, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(limit: Option<usize>, after: usize, of: usize) -> (Vec<usize>, Option<usize>) {
        let find = |most: usize| (after + 1..=of).take(most).collect();
        paged(limit, find, |number| *number).unwrap_or_else(|_| panic!("{limit:?}"))
    }

    #[test]
    fn the_last_page_says_that_it_is_the_last() {
        assert_eq!(numbers(Some(2), 0, 4), (vec![1, 2], Some(2)));
        assert_eq!(numbers(Some(2), 2, 4), (vec![3, 4], None));
        assert_eq!(numbers(Some(2), 4, 4), (Vec::new(), None));
        assert_eq!(numbers(None, 0, 101).1, Some(100));
        assert_eq!(numbers(Some(MAX_LIMIT), 0, MAX_LIMIT).1, None);
        for limit in [0, MAX_LIMIT + 1, usize::MAX] {
            assert!(paged(Some(limit), |_| vec![0], |_| ()).is_err(), "{limit}");
        }
    }
}
