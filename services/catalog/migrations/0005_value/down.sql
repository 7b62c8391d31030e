DROP VIEW report_v1_budgets, report_v1_benefits, report_v1_allocation_rules;
DROP TABLE budget, benefit, allocation_rule;
ALTER TABLE cost_entry DROP COLUMN illustrative;
