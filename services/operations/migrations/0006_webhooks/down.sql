DROP TABLE webhook_dead_letter, webhook_delivery, webhook;
