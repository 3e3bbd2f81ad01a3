CREATE SOURCE a (time TIMESTAMP, WATERMARK FOR time AS now() - INTERVAL '1 minute') WITH (connector = 'files', path = 'x');
CREATE SOURCE b (time TIMESTAMP, WATERMARK FOR time AS time + INTERVAL '1 minute') WITH (connector = 'files', path = 'x');
CREATE SOURCE c (time TIMESTAMP, WATERMARK FOR time AS time, WATERMARK FOR time AS time) WITH (connector = 'files', path = 'x');
CREATE SOURCE d (time TIMESTAMP, WATERMARK FOR tme AS tme) WITH (connector = 'files', path = 'x');
CREATE SOURCE e (time VARCHAR, WATERMARK FOR time AS time) WITH (connector = 'files', path = 'x');
CREATE SOURCE f (time TIMESTAMP, WATERMARK FOR time AS time - INTERVAL '1 month') WITH (connector = 'files', path = 'x');
CREATE SOURCE g (time TIMESTAMP, WATERMARK FOR time AS time IDLE TIMEOUT INTERVAL 'soon') WITH (connector = 'files', path = 'x');
