//! What does not compile, shown by documentation tests; this module holds nothing else.
//!
//! Each block that must not compile stands beside a twin that must, and the two differ in the forbidden thing alone: a
//! block that fails for another reason takes its twin with it. The codes of the errors are checked too where rustdoc has
//! its unstable features, and are for the reader where it has not.
//!
//! # A success cannot be made up
//!
//! An outcome view cannot be put together, not even from the parts of another one:
//!
//! ```compile_fail,E0451
//! use studio_adapter::OutcomeView;
//!
//! fn forged(other: OutcomeView) -> OutcomeView {
//!     OutcomeView { succeeded: true, ..other }
//! }
//! ```
//!
//! ```
//! use studio_adapter::OutcomeView;
//!
//! fn passed_on(other: OutcomeView) -> OutcomeView {
//!     let OutcomeView { .. } = &other;
//!     other
//! }
//! # let _ = passed_on;
//! ```
//!
//! It cannot be made from the ending in an event, which anybody can write, but only from the sealed outcome:
//!
//! ```compile_fail,E0308
//! use packer_events::report::Ending;
//! use studio_adapter::OutcomeView;
//!
//! fn shown(ending: &Ending) -> OutcomeView {
//!     OutcomeView::of(ending)
//! }
//! ```
//!
//! ```
//! use packer_runtime::api::Outcome;
//! use studio_adapter::OutcomeView;
//!
//! fn shown(outcome: &Outcome) -> OutcomeView {
//!     OutcomeView::of(outcome)
//! }
//! # let _ = shown;
//! ```
//!
//! Nor can the sealed outcome be put together:
//!
//! ```compile_fail,E0451
//! use packer_runtime::api::{Outcome, Provenance};
//!
//! fn forged(other: Outcome) -> Outcome {
//!     Outcome { provenance: Provenance::Live, ..other }
//! }
//! ```
//!
//! ```
//! use packer_runtime::api::{Outcome, Provenance};
//!
//! fn live(other: &Outcome) -> bool {
//!     other.provenance() == Provenance::Live
//! }
//! # let _ = live;
//! ```
//!
//! or made from an event, or by default:
//!
//! ```compile_fail,E0624
//! use std::sync::Arc;
//! use packer_events::{body::OperationKind, event::Event};
//! use packer_runtime::api::{Outcome, Provenance};
//!
//! fn forged(event: &Arc<Event>) -> Option<Outcome> {
//!     Outcome::of(event, OperationKind::Build, Provenance::Live)
//! }
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use packer_events::{body::OperationKind, event::Event};
//! use packer_runtime::api::{Outcome, Provenance};
//!
//! fn parts(outcome: &Outcome) -> (&Arc<Event>, OperationKind, Provenance) {
//!     (outcome.event(), outcome.kind(), outcome.provenance())
//! }
//! # let _ = parts;
//! ```
//!
//! Neither can be decoded:
//!
//! ```compile_fail,E0277
//! fn decoded<T: serde::de::DeserializeOwned>() {}
//! decoded::<studio_adapter::OutcomeView>();
//! ```
//!
//! ```compile_fail,E0277
//! fn decoded<T: serde::de::DeserializeOwned>() {}
//! decoded::<packer_runtime::api::Outcome>();
//! ```
//!
//! ```
//! fn decoded<T: serde::de::DeserializeOwned>() {}
//! decoded::<packer_events::event::Event>();
//! fn named<T>() {}
//! named::<studio_adapter::OutcomeView>();
//! named::<packer_runtime::api::Outcome>();
//! ```
//!
//! nor taken by default:
//!
//! ```compile_fail,E0277
//! fn by_default<T: Default>() {}
//! by_default::<studio_adapter::OutcomeView>();
//! ```
//!
//! ```compile_fail,E0277
//! fn by_default<T: Default>() {}
//! by_default::<packer_runtime::api::Outcome>();
//! ```
//!
//! ```
//! fn by_default<T: Default>() {}
//! by_default::<packer_runtime::api::OpenOptions>();
//! ```
//!
//! # Nothing is applied that was not previewed
//!
//! A ticket cannot be put together, not even from the parts of another one:
//!
//! ```compile_fail,E0451
//! use studio_adapter::Ticket;
//!
//! fn forged(other: Ticket) -> Ticket {
//!     let Ticket { plan } = other;
//!     Ticket { plan }
//! }
//! ```
//!
//! ```
//! use studio_adapter::Ticket;
//!
//! fn passed_on(other: Ticket) -> Ticket {
//!     let Ticket { .. } = &other;
//!     other
//! }
//! # let _ = passed_on;
//! ```
//!
//! nor made from a plan:
//!
//! ```compile_fail,E0624
//! use packer_runtime::api::MutationPlan;
//! use studio_adapter::Ticket;
//!
//! fn forged(plan: MutationPlan) -> Ticket {
//!     Ticket::new(plan)
//! }
//! ```
//!
//! ```
//! use studio_adapter::{ErrorView, Intent, StudioSession, Ticket};
//!
//! fn previewed(session: &StudioSession, intent: &Intent) -> Result<Ticket, ErrorView> {
//!     session.preview(intent).map(|(_, ticket)| ticket)
//! }
//! # let _ = previewed;
//! ```
//!
//! It is used up by applying it, and there is no second one of it:
//!
//! ```compile_fail,E0382
//! use studio_adapter::{StudioSession, Ticket};
//!
//! fn twice(session: &StudioSession, ticket: Ticket) {
//!     session.apply(ticket);
//!     session.apply(ticket);
//! }
//! ```
//!
//! ```compile_fail,E0277
//! fn cloned<T: Clone>() {}
//! cloned::<studio_adapter::Ticket>();
//! ```
//!
//! ```
//! use studio_adapter::{StudioSession, Ticket};
//!
//! fn once(session: &StudioSession, ticket: Ticket) {
//!     session.apply(ticket);
//! }
//! fn cloned<T: Clone>() {}
//! cloned::<studio_adapter::PreviewView>();
//! # let _ = once;
//! ```
//!
//! It cannot be taken by default, nor decoded:
//!
//! ```compile_fail,E0277
//! fn by_default<T: Default>() {}
//! by_default::<studio_adapter::Ticket>();
//! ```
//!
//! ```compile_fail,E0277
//! fn decoded<T: serde::de::DeserializeOwned>() {}
//! decoded::<studio_adapter::Ticket>();
//! ```
//!
//! An intent is no ticket, however sure somebody is of it:
//!
//! ```compile_fail,E0308
//! use studio_adapter::{Intent, StudioSession};
//!
//! fn unseen(session: &StudioSession, intent: Intent) {
//!     session.apply(intent);
//! }
//! ```
//!
//! # The project behind a session cannot be reached
//!
//! ```compile_fail,E0616
//! fn behind(session: &studio_adapter::StudioSession) {
//!     let _ = &session.project;
//! }
//! ```
//!
//! ```
//! fn before(session: &studio_adapter::StudioSession) {
//!     let _ = session.problems();
//! }
//! # let _ = before;
//! ```
//!
//! # Planner, registry and observation cannot be reached
//!
//! ```compile_fail,E0432
//! use packer_runtime::api::WorkspaceState;
//! ```
//!
//! ```compile_fail,E0432
//! use packer_runtime::api::Registry;
//! ```
//!
//! ```compile_fail,E0432
//! use packer_runtime::api::Observation;
//! ```
//!
//! ```compile_fail,E0432
//! use packer_runtime::api::plan;
//! ```
//!
//! ```
//! use packer_runtime::api::{MutationPlan, RegistryEntry, WorkspaceSummary};
//! # fn named(_: &(MutationPlan, RegistryEntry, WorkspaceSummary)) {}
//! # let _ = named;
//! ```
//!
//! A snapshot answers, and does not hand out the state behind its answers:
//!
//! ```compile_fail,E0624
//! fn behind(snapshot: &packer_runtime::api::Snapshot) {
//!     let _ = snapshot.state();
//! }
//! ```
//!
//! ```
//! fn before(snapshot: &packer_runtime::api::Snapshot) {
//!     let _ = snapshot.summary();
//! }
//! # let _ = before;
//! ```
//!
//! The crates behind the runtime are not there to be named. Here no twin can stand, since none of it compiles; that the names
//! are those of crates of this workspace, and that the adapter depends on none of them, is held by the test of the graph of
//! dependencies:
//!
//! ```compile_fail,E0432
//! use packer_domain::mutation;
//! ```
//!
//! ```compile_fail,E0433
//! use packer_fs::disk::Disk;
//! ```
//!
//! ```compile_fail,E0432
//! use packer_codecs::builtin;
//! ```
//!
//! ```compile_fail,E0603
//! use packer_runtime::lane::Worker;
//! ```
//!
//! ```
//! use packer_events::report;
//! use packer_runtime::api;
//! # let _: fn(&report::Ending, &api::Outcome) = |_, _| {};
//! ```
