//! `itsm.operations.v1.PrivacyService`.

use proto::operations::v1 as pb;
use proto::operations::v1::privacy_service_server::PrivacyService;
use servicekit::convert::Reader;
use servicekit::standard::Desk;

use crate::usecase::Operations;
use crate::usecase::erase_person::ErasePerson;

/// Serves what is done for the privacy of people.
#[derive(Clone)]
pub struct Privacy {
    desk: Desk,
    operations: Operations,
}

impl Privacy {
    /// Serves the tickets of a running service.
    pub fn new(operations: Operations) -> Self {
        Self { desk: Desk { kit: operations.kit.clone() }, operations }
    }
}

#[tonic::async_trait]
impl PrivacyService for Privacy {
    servicekit::write_method! { "itsm.operations.v1.PrivacyService/",
        ErasePerson erase_person(self, write, request: pb::ErasePersonRequest) -> pb::ErasePersonResponse {
            let mut reader = Reader::default();
            let mut found = Vec::new();
            domain::violation::required(&mut found, "person", &request.person);
            domain::violation::required(&mut found, "reason", &request.reason);
            domain::violation::lines(&mut found, &[("person", &request.person), ("reason", &request.reason)]);
            reader.judge(found);
            reader.finish()?;
            let command = ErasePerson { person: request.person, reason: request.reason };
            let count = self.operations.erase_person(write, command).await?;
            Ok(pb::ErasePersonResponse {
                ticket_count: count.tickets,
                fact_count: count.facts,
                text_count: count.texts,
                name_count: count.names,
                delegation_count: count.delegations,
                kept_count: count.kept,
            })
        }
    }
}
