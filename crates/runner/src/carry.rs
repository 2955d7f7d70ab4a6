//! What becomes of a request on its way to candidates of other protocols: written for each of them once, before anybody is chosen, so
//! that nobody is chosen who can't be asked.

use std::sync::Arc;

use easyai_clients::{Clients, target};
use easyai_core::catalog::{Catalog, Model, PlatformModel};
use easyai_core::id::PlatformModelId;
use easyai_core::kind::Provider;
use easyai_core::usage::Usage;
use easyai_protocols::conversation::{CannotCarry, Conversation};
use easyai_protocols::request::TextRequest;
use easyai_protocols::wire::{Protocol, Written};
use easyai_protocols::{bridge, gemini};

/// The request as each candidate of another protocol gets it.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    written: Vec<(PlatformModelId, Arc<Written>)>,
    unfit: Vec<(PlatformModelId, Arc<str>)>,
    /// What each is expected to use, where the request is about media. Empty otherwise.
    expected: Vec<(PlatformModelId, Usage)>,
    /// The field that has no meaning in the inner form, if one has none.
    pub(crate) bad_field: Option<String>,
}

impl Carried {
    /// Writes `request` for all who offer its model or a fallback of it. Same protocols cost nothing: bytes pass through.
    pub(crate) fn to_all(clients: &Clients, catalog: &Catalog, request: &TextRequest) -> Self {
        let mut carried = Self::to_nobody(clients, catalog, request);
        for offer in offers(catalog, &request.scan.model) {
            if let Err(lost) = clients.fits(offer, request) {
                carried.lost(offer, &lost);
                continue;
            }
            let protocol = clients.protocol(offer, request.protocol);
            if protocol != request.protocol && offer.platform.provider != Provider::Simulation {
                carried.write(offer, protocol, request);
            }
        }
        carried
    }

    /// Writes `request` for nobody, since the simulation answers it: it takes anything.
    pub(crate) fn to_nobody(clients: &Clients, catalog: &Catalog, request: &TextRequest) -> Self {
        let usage = |offer: &Arc<PlatformModel>| Some((offer.id, clients.expected_usage(offer, request)?));
        Self { expected: offers(catalog, &request.scan.model).filter_map(usage).collect(), ..Self::default() }
    }

    fn write(&mut self, offer: &PlatformModel, protocol: Protocol, request: &TextRequest) {
        let conversation = match request.conversation() {
            Ok(conversation) => conversation,
            Err(bad) => {
                self.unfit.push((offer.id, bad.message.into()));
                self.bad_field = bad.param;
                return;
            }
        };
        // What is fetched later is carried as if it were here.
        let urls = if protocol == Protocol::GenerateContent { gemini::fetch::needed(&conversation) } else { Vec::new() };
        if !urls.is_empty() {
            let mut fetched = Conversation::clone(&conversation);
            urls.iter().for_each(|url| gemini::fetch::inline(&mut fetched, url, "image/png", ""));
            if let Err(lost) = bridge::write_request(protocol, &fetched, &target(offer)) {
                self.lost(offer, &lost);
            }
            return;
        }
        match bridge::write_request(protocol, &conversation, &target(offer)) {
            Ok(written) => self.written.push((offer.id, Arc::new(written))),
            Err(lost) => self.lost(offer, &lost),
        }
    }

    fn lost(&mut self, offer: &PlatformModel, lost: &CannotCarry) {
        self.bad_field.get_or_insert_with(|| lost.field.clone());
        self.unfit.push((offer.id, lost.to_string().into()));
    }

    /// Who can't be asked, and why.
    pub(crate) fn unfit(&self) -> &[(PlatformModelId, Arc<str>)] {
        &self.unfit
    }

    /// What each is expected to use, where that is not text alone.
    pub(crate) fn expected(&self) -> &[(PlatformModelId, Usage)] {
        &self.expected
    }

    /// What `offer` is expected to use; `text` if that is what it makes.
    pub(crate) fn usage_of(&self, offer: &PlatformModel, text: impl FnOnce() -> Usage) -> Usage {
        self.expected.iter().find(|(id, _)| *id == offer.id).map_or_else(text, |(_, usage)| *usage)
    }

    /// The request for `offer`, if it is another protocol's.
    pub(crate) fn to(&self, offer: &PlatformModel) -> Option<&Arc<Written>> {
        self.written.iter().find(|(id, _)| *id == offer.id).map(|(_, written)| written)
    }
}

/// All who offer `model`, or a fallback of it.
fn offers<'a>(catalog: &'a Catalog, model: &str) -> impl Iterator<Item = &'a Arc<PlatformModel>> {
    let model = catalog.models.get(model);
    let fallbacks = model.into_iter().flat_map(|model| &model.settings.fallbacks).filter_map(|name| catalog.models.get(name));
    model.into_iter().chain(fallbacks).flat_map(|model: &Arc<Model>| &model.offers)
}
