DROP TABLE cost_entry, process_revision, process, agreement_revision, agreement, calendar_revision, calendar,
    customer, offering, service;
