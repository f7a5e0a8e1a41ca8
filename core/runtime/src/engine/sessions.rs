//! The sessions of a model that its turns come and go in.

use unmask_api::{BackendError, ErrorCode, TokenId};

use super::model::ReadyModel;
use crate::generate::Generation;
use crate::scorer::{KvCache, Room, Scorer, Seat};

/// Sessions of one model.
#[derive(Default)]
pub(super) struct ModelSessions {
    /// That of an earlier turn, if a later one can use what it holds.
    pub(super) kept: Option<Scorer>,
    /// The one in which several turns sit, a slot each, so that one pass may compute them.
    pub(super) shared: Option<SharedSession>,
}

pub(super) struct SharedSession {
    pub(super) scorer: Scorer,
    /// Turns that a pass computes at most: fewer once the memory did not do.
    pub(super) batch: usize,
    free: Vec<u32>,
    taken: usize,
}

impl ModelSessions {
    /// A seat in the shared session, which is opened for so many turns if there is none; `None` if there is no room for one
    /// more, so that the turn needs a session of its own.
    pub(super) fn seat(
        &mut self,
        ready: &ReadyModel,
        room: &Room,
        tokens: &[TokenId],
        (turns, batch): (usize, usize),
    ) -> Result<Option<Seat>, BackendError> {
        if self.shared.is_none() {
            // It would be in the way of slots.
            self.kept = None;
            self.shared = SharedSession::open(ready, room, turns, batch)?;
        }
        let shared = self.shared.as_mut();
        Ok(shared.and_then(|it| it.seat(room, tokens)))
    }

    /// Frees what only a later turn could use; true if there was something.
    pub(super) fn free_idle(&mut self) -> bool {
        let shared = self.shared.take_if(|it| it.taken == 0);
        let kept = self.kept.take();
        shared.is_some() || kept.is_some()
    }

    /// Takes a seat back. Cells that nobody can use any more go with the last of them.
    pub(super) fn leave(&mut self, seat: Seat) {
        let Some(shared) = &mut self.shared else {
            return;
        };
        shared.free.push(seat.slot);
        shared.free.extend(seat.unconditional);
        shared.taken -= 1;
        if shared.taken == 0 && !shared.scorer.holds_prefix() {
            self.shared = None;
        }
    }

    /// Keeps a session that a later turn can use.
    pub(super) fn keep(&mut self, generation: Generation) {
        if let Some(scorer) = generation.into_kept() {
            self.kept = Some(scorer);
        }
    }
}

impl SharedSession {
    /// With as many slots as there is memory for; `None` if it does not do for two.
    fn open(
        ready: &ReadyModel,
        room: &Room,
        turns: usize,
        batch: usize,
    ) -> Result<Option<Self>, BackendError> {
        let mut slots = turns.min(unmask_api::SessionSpec::MOST_SLOTS as usize);
        while slots > 1 {
            let room = Room {
                questions: slots,
                guided: false,
                ..*room
            };
            match Scorer::new(&*ready.model, room) {
                Ok(scorer) => {
                    return Ok(Some(Self {
                        scorer,
                        batch,
                        // The first is taken first.
                        free: (0..slots as u32).rev().collect(),
                        taken: 0,
                    }));
                }
                Err(error) if error.code() == ErrorCode::OutOfMemory => slots /= 2,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn seat(&mut self, room: &Room, tokens: &[TokenId]) -> Option<Seat> {
        let needed = if room.guided { 2 } else { 1 };
        if self.free.len() < needed {
            return None;
        }
        if room.kv_cache == KvCache::On {
            // A canvas beyond what there is memory for, in every slot.
            self.scorer.reserve_cells(room.length).ok()?;
        }
        // The one that holds most of what the turn begins with.
        let held = |at: &usize| self.scorer.held_in(self.free[*at], tokens);
        let best = (0..self.free.len()).max_by_key(held)?;
        let slot = self.free.remove(best);
        let unconditional = if room.guided { self.free.pop() } else { None };
        self.taken += 1;
        Some(Seat {
            slot,
            unconditional,
            kv_cache: room.kv_cache,
        })
    }
}
