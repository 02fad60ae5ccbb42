-- The device class of each output: bytes are compared only between outputs of one class. A worker may serve several
-- generators, each on its own class, so its row cannot say which one made an output.
-- device_epoch is the epoch under which device_class was written. A program of before writes neither, also when it
-- replaces an output: where device_epoch is not the output's epoch, the class is that of the worker's row.
ALTER TABLE outputs ADD COLUMN device_class text, ADD COLUMN device_epoch integer;
