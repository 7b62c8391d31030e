DROP VIEW report_v1_outages;
DROP TABLE outage;
