//! How channels lie in the store.
//!
//! ```text
//! channels       name         ─▶ id  epoch  oldest  latest      8 bytes each, the highest first
//! publications   id offset    ─▶ ms  length of the user + 1, or 0 (4 bytes)  user  data
//! channel_keys   id key       ─▶ offset  ms
//!
//! channels       0x00         ─▶ the epoch with which channels begin
//! channels       0x00 part    ─▶ the same, of a part that has another
//! ```
//!
//! Milliseconds are since 1970.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tieline_store::{Batch, Entry, Space, Store, StoreError};

use crate::channel::Channel;
use crate::epochs::PARTS;
use crate::position::{Epoch, Position};
use crate::publication::{New, Publication};

/// What the key of an epoch begins with, and no name.
const EPOCH: u8 = 0x00;

/// What is said of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// By which its entries are found.
    pub(crate) id: u64,
    pub(crate) epoch: Epoch,
    /// The offset of the oldest publication that counts, or of the next to come.
    pub(crate) oldest: u64,
    /// The offset of the newest.
    pub(crate) latest: u64,
}

/// A channel as it was read.
pub(crate) struct Found {
    pub(crate) channel: Channel,
    pub(crate) record: Record,
    /// All that count, in their order.
    pub(crate) publications: Vec<Publication>,
    /// Each with its offset, the oldest first.
    pub(crate) keys: Vec<(Arc<str>, u64, SystemTime)>,
    /// The offset of the first that is there, whether it counts or not.
    pub(crate) stored_from: u64,
}

impl Record {
    /// The position before the oldest.
    pub(crate) const fn start(&self) -> Position {
        Position { epoch: self.epoch, offset: self.oldest - 1 }
    }
}

/// What a publication takes up while it waits to be written.
pub(crate) fn cost(new: &New) -> usize {
    let key = new.key.as_ref().map_or(0, |key| key.len());
    let from = new.from.as_ref().map_or(0, |from| from.len());
    size_of::<Publication>() + new.data.len() + from + key
}

pub(crate) fn put_channel(batch: &mut Batch, channel: &Channel, record: &Record) {
    let Record { id, epoch, oldest, latest } = *record;
    let value = numbers([id, u64::from_be_bytes(epoch.to_bytes()), oldest, latest]);
    batch.put(Space::Channels, channel.as_str().as_bytes(), &value);
}

pub(crate) fn remove_channel(batch: &mut Batch, channel: &Channel) {
    batch.remove(Space::Channels, channel.as_str().as_bytes());
}

pub(crate) fn put_publication(batch: &mut Batch, id: u64, publication: &Publication) {
    let Publication { offset, data, from, at } = publication;
    let mut value = millis(*at).to_be_bytes().to_vec();
    let user_len = from.as_ref().map_or(0, |from| from.len() as u32 + 1);
    value.extend(user_len.to_be_bytes());
    value.extend(from.as_deref().unwrap_or_default().as_bytes());
    value.extend_from_slice(data);
    batch.put(Space::Publications, &numbers([id, *offset]), &value);
}

pub(crate) fn remove_publication(batch: &mut Batch, id: u64, offset: u64) {
    batch.remove(Space::Publications, &numbers([id, offset]));
}

pub(crate) fn put_key(batch: &mut Batch, id: u64, key: &str, offset: u64, at: SystemTime) {
    batch.put(Space::ChannelKeys, &key_of(id, key), &numbers([offset, millis(at)]));
}

pub(crate) fn remove_key(batch: &mut Batch, id: u64, key: &str) {
    batch.remove(Space::ChannelKeys, &key_of(id, key));
}

pub(crate) fn put_first_epoch(batch: &mut Batch, epoch: Epoch) {
    batch.put(Space::Channels, &[EPOCH], &epoch.to_bytes());
}

pub(crate) fn put_epoch(batch: &mut Batch, part: usize, epoch: Epoch) {
    let key = [&[EPOCH][..], &(part as u64).to_be_bytes()].concat();
    batch.put(Space::Channels, &key, &epoch.to_bytes());
}

/// The epoch with which channels begin.
pub(crate) fn first_epoch(store: &Store) -> Result<Option<Epoch>, StoreError> {
    let value = store.get(Space::Channels, &[EPOCH])?;
    value.map(|value| epoch(store, &value)).transpose()
}

/// The parts that have another.
pub(crate) fn epochs(store: &Store) -> Result<Vec<(usize, Epoch)>, StoreError> {
    let entries = store.scan(Space::Channels, &[EPOCH])?;
    let parts = entries.into_iter().filter(|(key, _)| key.len() > 1);
    let read = |(key, value): Entry| {
        let part = read_numbers(&key[1..]).map(|[part]| part as usize);
        let part = part.filter(|part| *part < PARTS);
        let part = part.ok_or_else(|| store.corrupt("an epoch of no part"))?;
        Ok((part, epoch(store, &value)?))
    };
    parts.map(read).collect()
}

fn epoch(store: &Store, value: &[u8]) -> Result<Epoch, StoreError> {
    let bytes = value.try_into().map_err(|_| store.corrupt("an epoch that makes no sense"))?;
    Ok(Epoch::from_bytes(bytes))
}

/// All channels that are there.
pub(crate) fn channels(store: &Store) -> Result<Vec<Found>, StoreError> {
    let entries = store.scan(Space::Channels, b"")?;
    let channels = entries.into_iter().filter(|(name, _)| name.first() != Some(&EPOCH));
    channels.map(|entry| found(store, entry)).collect()
}

fn found(store: &Store, (name, value): Entry) -> Result<Found, StoreError> {
    let channel = str::from_utf8(&name).ok().and_then(|name| Channel::new(name).ok());
    let numbers =
        read_numbers(&value).filter(|[_, _, oldest, latest]| (1..=latest + 1).contains(oldest));
    let (Some(channel), Some([id, epoch, oldest, latest])) = (channel, numbers) else {
        return Err(store.corrupt("a channel that makes no sense"));
    };
    let record = Record { id, epoch: Epoch::from_bytes(epoch.to_be_bytes()), oldest, latest };

    let mut publications = Vec::new();
    let mut stored_from = oldest;
    for (key, value) in store.scan(Space::Publications, &id.to_be_bytes())? {
        let read = read_numbers(&key).and_then(|[_, offset]| read_publication(offset, &value));
        let publication = read.ok_or_else(|| store.corrupt("a publication that makes no sense"))?;
        stored_from = stored_from.min(publication.offset);
        if publication.offset >= oldest {
            publications.push(publication);
        }
    }
    let offsets = publications.iter().map(|publication| publication.offset);
    if !offsets.eq(oldest..=latest) {
        return Err(store.corrupt("publications are missing from a channel"));
    }

    let mut keys = Vec::new();
    for (key, value) in store.scan(Space::ChannelKeys, &id.to_be_bytes())? {
        let text = key.get(8..).and_then(|key| str::from_utf8(key).ok());
        let (Some(text), Some([offset, at])) = (text, read_numbers(&value)) else {
            return Err(store.corrupt("a key that makes no sense"));
        };
        keys.push((text.into(), offset, time(at)));
    }
    keys.sort_by_key(|(_, _, at)| *at);
    Ok(Found { channel, record, publications, keys, stored_from })
}

fn read_publication(offset: u64, value: &[u8]) -> Option<Publication> {
    let (at, rest) = value.split_first_chunk()?;
    let (user_len, rest) = rest.split_first_chunk()?;
    let (from, data) = match u32::from_be_bytes(*user_len) {
        0 => (None, rest),
        len => {
            let (from, data) = rest.split_at_checked(len as usize - 1)?;
            (Some(str::from_utf8(from).ok()?.into()), data)
        }
    };
    let at = time(u64::from_be_bytes(*at));
    Some(Publication { offset, data: Bytes::copy_from_slice(data), from, at })
}

fn key_of(id: u64, key: &str) -> Vec<u8> {
    [&id.to_be_bytes(), key.as_bytes()].concat()
}

fn numbers<const N: usize>(numbers: [u64; N]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn read_numbers<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let (chunks, rest) = bytes.as_chunks::<8>();
    let chunks: &[[u8; 8]; N] = chunks.try_into().ok().filter(|_| rest.is_empty())?;
    Some(chunks.map(u64::from_be_bytes))
}

fn millis(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn time(millis: u64) -> SystemTime {
    // A time that no clock has is as old as any.
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
