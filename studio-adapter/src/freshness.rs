//! The freshness badge: what the runtime says of its snapshot against the disk, in words.
//!
//! Every state has a label of its own, so that none passes for another; above all nothing passes for verified. Which
//! state holds is the runtime's knowledge, and so is how it can end.

use packer_events::record::UnknownCause;
use packer_runtime::api::Freshness;
use serde::Serialize;

/// What is known of the shown snapshot against the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FreshnessBadge {
    /// The state.
    pub state: FreshnessState,
    /// What the badge says.
    pub label: String,
    /// What it says on a closer look, in one sentence without a final period.
    pub detail: String,
    /// When the observation ended that verified it: UTC, such as `2026-11-22T09:00:00.123Z`.
    pub verified_at: Option<String>,
    /// The paths that may differ, below the assets root.
    pub paths: Vec<String>,
    /// Whether the registry may differ.
    pub registry: bool,
    /// Whether the configuration may differ.
    pub configuration: bool,
    /// The operation that has to be recovered.
    pub operation_id: Option<String>,
}

/// The states of freshness, as the packer has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FreshnessState {
    /// A completed observation gave the snapshot.
    Verified,
    /// Some paths may differ.
    Dirty,
    /// Anything may differ.
    Unknown,
    /// A commit neither happened nor did not.
    RecoveryRequired,
}

impl FreshnessBadge {
    /// The badge of `freshness`.
    pub fn of(freshness: &Freshness) -> Self {
        let badge = |state, label: &str, detail: String| Self {
            state,
            label: label.to_owned(),
            detail,
            verified_at: None,
            paths: Vec::new(),
            registry: false,
            configuration: false,
            operation_id: None,
        };
        match freshness {
            Freshness::Verified { at, watched } => {
                let (label, since) = if *watched {
                    ("Verified", "changes since then are noticed")
                } else {
                    ("Verified once", "changes since then are not noticed")
                };
                let detail = format!("As observed at {at}; {since}");
                Self { verified_at: Some(at.to_string()), ..badge(FreshnessState::Verified, label, detail) }
            }
            Freshness::Dirty { paths, registry, configuration } => {
                let detail = match (registry, configuration) {
                    (false, false) => "These paths may differ from what is shown",
                    (true, false) => "The registry may differ from what is shown, and these paths, if any",
                    (false, true) => {
                        "The configuration may differ from what is shown, and these paths, if any"
                    }
                    (true, true) => {
                        "Registry and configuration may differ from what is shown, and these paths, if any"
                    }
                };
                Self {
                    paths: paths.iter().map(ToString::to_string).collect(),
                    registry: *registry,
                    configuration: *configuration,
                    ..badge(FreshnessState::Dirty, "May differ", detail.to_owned())
                }
            }
            Freshness::Unknown { cause } => {
                let (label, detail) = unknown(*cause);
                badge(FreshnessState::Unknown, label, format!("{detail}; anything may differ"))
            }
            Freshness::RecoveryRequired { operation_id } => {
                let detail = format!(
                    "Operation {operation_id} stopped amid its commit; nothing can commit until it is recovered"
                );
                Self {
                    operation_id: Some(operation_id.to_string()),
                    ..badge(FreshnessState::RecoveryRequired, "Recovery required", detail)
                }
            }
        }
    }
}

fn unknown(cause: UnknownCause) -> (&'static str, &'static str) {
    match cause {
        UnknownCause::Overflow => ("Unknown: changes were lost", "The watcher lost events"),
        UnknownCause::WatchLost => ("Unknown: not watched any more", "The watcher is gone"),
        UnknownCause::ScanInterrupted => ("Unknown: scan interrupted", "A scan did not complete"),
        UnknownCause::ChangedOutside => ("Unknown: changed outside", "Another process committed"),
        UnknownCause::NotObserved => ("Unknown: not observed yet", "Nothing was observed yet"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use packer_events::time::Timestamp;
    use packer_runtime::api::{AssetPath, OperationId, UuidDraw};

    use super::*;

    /// Every state, and every cause and nuance that has its own words.
    fn catalogue() -> Vec<Freshness> {
        let causes = every![UnknownCause: Overflow, WatchLost, ScanInterrupted, ChangedOutside, NotObserved];
        let at = Timestamp::from_unix_ms(1_795_338_000_123);
        let paths = ["ui/a.png", "ui/b.png"].map(|path| AssetPath::parse(path).unwrap()).to_vec();
        let operation_id = OperationId::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] });
        let dirty =
            |(registry, configuration)| Freshness::Dirty { paths: paths.clone(), registry, configuration };
        let mut all =
            vec![Freshness::Verified { at, watched: true }, Freshness::Verified { at, watched: false }];
        all.extend([(false, false), (true, false), (false, true), (true, true)].map(dirty));
        all.extend(causes.map(|cause| Freshness::Unknown { cause }));
        all.push(Freshness::RecoveryRequired { operation_id });
        all
    }

    /// The state that a badge has to have. What has no state yet does not compile.
    fn state(freshness: &Freshness) -> FreshnessState {
        match freshness {
            Freshness::Verified { .. } => FreshnessState::Verified,
            Freshness::Dirty { .. } => FreshnessState::Dirty,
            Freshness::Unknown { .. } => FreshnessState::Unknown,
            Freshness::RecoveryRequired { .. } => FreshnessState::RecoveryRequired,
        }
    }

    #[test]
    fn every_state_has_a_badge_of_its_own() {
        let badges: Vec<FreshnessBadge> = catalogue().iter().map(FreshnessBadge::of).collect();
        insta::assert_json_snapshot!("badges", badges);
        let details: BTreeSet<&str> = badges.iter().map(|badge| badge.detail.as_str()).collect();
        assert_eq!(details.len(), badges.len(), "two states have one sentence: {details:?}");
        // What may differ is said by the sentence; the label is one.
        let dirty = badges.iter().filter(|badge| badge.state == FreshnessState::Dirty).count();
        let labels: BTreeSet<&str> = badges.iter().map(|badge| badge.label.as_str()).collect();
        assert_eq!((labels.len(), dirty), (badges.len() - 3, 4), "two states have one label: {labels:?}");
        let states: BTreeSet<String> = badges.iter().map(|badge| format!("{:?}", badge.state)).collect();
        let every = every![FreshnessState: Verified, Dirty, Unknown, RecoveryRequired];
        assert_eq!(states.len(), every.len(), "a state is not in the catalogue: {states:?}");
    }

    #[test]
    fn only_a_verified_state_says_verified() {
        for freshness in catalogue() {
            let badge = FreshnessBadge::of(&freshness);
            let verified = state(&freshness) == FreshnessState::Verified;
            assert_eq!(badge.state, state(&freshness), "{freshness:?}");
            assert_eq!(badge.verified_at.is_some(), verified, "{freshness:?}");
            assert_eq!(badge.label.to_lowercase().contains("verified"), verified, "{freshness:?}");
        }
    }
}
