DROP VIEW report_v1_horizon, report_v1_suppliers, report_v1_contracts, recorded_state;
