# SPDX-License-Identifier: MIT
"""A Kafka client for the tests: topics, records in, records out, committed offsets.

The same librdkafka that Firesteel is linked with, through ctypes, so that a test needs nothing to be
installed; independent of Firesteel's own code, which is what it checks. Also by hand:

    python3 tests/services/kafka_client.py HOST:PORT create TOPIC [PARTITIONS]
    python3 tests/services/kafka_client.py HOST:PORT produce TOPIC < lines
    python3 tests/services/kafka_client.py HOST:PORT consume TOPIC        committed records, from the beginning to the end
    python3 tests/services/kafka_client.py HOST:PORT offsets TOPIC [GROUP]
"""
from __future__ import annotations

import ctypes
import glob
import os
import sys
import time
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_ssize_t, c_void_p
from dataclasses import dataclass, field
from typing import Iterable, Iterator

PRODUCER, CONSUMER = 0, 1
BEGINNING = -2
PARTITION_EOF = -191
TIMED_OUT = -185
QUEUE_FULL = -184
COPY = 2  # RD_KAFKA_MSG_F_COPY


class KafkaError(Exception):
    def __init__(self, what: str, code: int = 0):
        super().__init__(what)
        self.code = code


@dataclass
class Record:
    """As consumed; to produce one, partition -1 lets the key's hash (or chance) decide."""

    value: bytes | None
    key: bytes | None = None
    partition: int = -1
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    timestamp: int = 0  # ms; 0 = now
    offset: int = -1


class Message(ctypes.Structure):
    _fields_ = [
        ("err", c_int), ("rkt", c_void_p), ("partition", c_int32), ("payload", c_void_p),
        ("size", c_size_t), ("key", c_void_p), ("key_size", c_size_t), ("offset", c_int64),
        ("private", c_void_p),
    ]  # fmt: skip


class TopicPartition(ctypes.Structure):
    _fields_ = [
        ("topic", c_char_p), ("partition", c_int32), ("offset", c_int64), ("metadata", c_void_p),
        ("metadata_size", c_size_t), ("opaque", c_void_p), ("err", c_int), ("private", c_void_p),
    ]  # fmt: skip


class TopicPartitionList(ctypes.Structure):
    _fields_ = [("count", c_int), ("size", c_int), ("elements", POINTER(TopicPartition))]


class Memory(ctypes.Structure):
    _fields_ = [("pointer", c_char_p), ("size", c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p), ("size", c_ssize_t)]


class VuValue(ctypes.Union):
    _fields_ = [
        ("cstr", c_char_p), ("i", c_int), ("i32", c_int32), ("i64", c_int64), ("memory", Memory),
        ("header", Header), ("pad", ctypes.c_char * 64),
    ]  # fmt: skip


class Vu(ctypes.Structure):
    _fields_ = [("kind", c_int), ("u", VuValue)]


VU_TOPIC, VU_PARTITION, VU_VALUE, VU_KEY, VU_FLAGS, VU_TIMESTAMP, VU_HEADER = 1, 3, 4, 5, 7, 8, 9


def load() -> ctypes.CDLL:
    cache = os.environ.get("FIRESTEEL_CACHE") or os.path.expanduser("~/.cache/firesteel")
    found = sorted(glob.glob(os.path.join(cache, "librdkafka-*", "librdkafka.so.1")))
    if not found:
        raise KafkaError(f"no librdkafka in {cache}: run tools/fetch")
    library = ctypes.CDLL(found[-1])
    pointers = (
        "conf_new new NewTopic_new NewPartitions_new queue_new queue_poll topic_partition_list_new "
        "topic_partition_list_add event_topic_partition_list init_transactions begin_transaction "
        "commit_transaction abort_transaction consumer_poll produceva DeleteTopic_new "
        "event_CreateTopics_result event_CreatePartitions_result event_DeleteTopics_result "
        "CreateTopics_result_topics CreatePartitions_result_topics DeleteTopics_result_topics "
        "DeleteRecords_new event_DeleteRecords_result"
    )
    for name in pointers.split():
        getattr(library, "rd_kafka_" + name).restype = c_void_p
    for name in "err2str error_string topic_result_error_string topic_result_name event_error_string".split():
        getattr(library, "rd_kafka_" + name).restype = c_char_p
    library.rd_kafka_message_timestamp.restype = c_int64
    library.rd_kafka_header_cnt.restype = c_size_t
    return library


class Kafka:
    """One client, made when first used; settings are librdkafka's, '_' for '.'."""

    def __init__(self, servers: str | None = None, **settings: str):
        self.library = load()
        self.settings = {"bootstrap.servers": servers or os.environ["KAFKA_BOOTSTRAP_SERVERS"]}
        self.settings |= {name.replace("_", "."): str(value) for name, value in settings.items()}
        self.settings.setdefault("log_level", "2")
        self.settings.setdefault("topic.metadata.refresh.interval.ms", "250")  # to see partitions added
        self.handles: dict[int, c_void_p] = {}

    def handle(self, kind: int, **more: str) -> c_void_p:
        if kind not in self.handles:
            self.handles[kind] = self.open(kind, more)
        return self.handles[kind]

    def open(self, kind: int, more: dict[str, str]) -> c_void_p:
        k, text = self.library, ctypes.create_string_buffer(512)
        conf = c_void_p(k.rd_kafka_conf_new())
        for name, value in {**self.settings, **more}.items():
            if kind == CONSUMER and name.startswith("transactional"):
                continue
            if k.rd_kafka_conf_set(conf, name.encode(), value.encode(), text, c_size_t(512)) != 0:
                raise KafkaError(text.value.decode())
        handle = c_void_p(k.rd_kafka_new(kind, conf, text, c_size_t(512)))
        if not handle:
            raise KafkaError(text.value.decode())
        return handle

    def close(self) -> None:
        for kind, handle in self.handles.items():
            if kind == CONSUMER:
                self.library.rd_kafka_consumer_close(handle)
            self.library.rd_kafka_destroy(handle)
        self.handles = {}

    def __enter__(self) -> Kafka:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def demand(self, code: int, what: str) -> None:
        if code != 0:
            raise KafkaError(f"{what}: {self.library.rd_kafka_err2str(code).decode()}", code)

    def demand_no_error(self, error: int | None, what: str) -> None:
        """Of functions that return an rd_kafka_error_t."""
        if error:
            text = self.library.rd_kafka_error_string(c_void_p(error)).decode()
            code = self.library.rd_kafka_error_code(c_void_p(error))
            self.library.rd_kafka_error_destroy(c_void_p(error))
            raise KafkaError(f"{what}: {text}", code)

    # Topics

    def admin(self, request: str, item: c_void_p, what: str, seconds: float = 30) -> None:
        k = self.library
        queue = c_void_p(k.rd_kafka_queue_new(self.handle(PRODUCER)))
        items = (c_void_p * 1)(item)
        getattr(k, "rd_kafka_" + request)(self.handle(PRODUCER), items, c_size_t(1), None, queue)
        event = c_void_p(k.rd_kafka_queue_poll(queue, int(seconds * 1000)))
        try:
            if not event:
                raise KafkaError(f"{what}: no answer within {seconds} s", TIMED_OUT)
            code = k.rd_kafka_event_error(event)
            if code != 0:
                raise KafkaError(f"{what}: {k.rd_kafka_event_error_string(event).decode()}", code)
            if request != "DeleteRecords":
                count = c_size_t()
                result = c_void_p(getattr(k, f"rd_kafka_event_{request}_result")(event))
                topics = getattr(k, f"rd_kafka_{request}_result_topics")(result, byref(count))
                for one in ctypes.cast(topics, POINTER(c_void_p))[: count.value]:
                    self.demand(k.rd_kafka_topic_result_error(c_void_p(one)), what)
        finally:
            if event:
                k.rd_kafka_event_destroy(event)
            k.rd_kafka_queue_destroy(queue)

    def create_topic(self, topic: str, partitions: int = 1, **settings: str) -> None:
        """settings: of the topic, '_' for '.'; returns when every partition has a leader."""
        k, text = self.library, ctypes.create_string_buffer(512)
        new = c_void_p(k.rd_kafka_NewTopic_new(topic.encode(), partitions, 1, text, c_size_t(512)))
        if not new:
            raise KafkaError(text.value.decode())
        for name, value in settings.items():
            k.rd_kafka_NewTopic_set_config(new, name.replace("_", ".").encode(), str(value).encode())
        try:
            self.admin("CreateTopics", new, f"create topic {topic}")
        finally:
            k.rd_kafka_NewTopic_destroy(new)
        self.wait_for_partitions(topic, partitions)

    def add_partitions(self, topic: str, total: int) -> None:
        k, text = self.library, ctypes.create_string_buffer(512)
        new = c_void_p(k.rd_kafka_NewPartitions_new(topic.encode(), c_size_t(total), text, c_size_t(512)))
        try:
            self.admin("CreatePartitions", new, f"{total} partitions of {topic}")
        finally:
            k.rd_kafka_NewPartitions_destroy(new)
        self.wait_for_partitions(topic, total)

    def delete_topic(self, topic: str) -> None:
        item = c_void_p(self.library.rd_kafka_DeleteTopic_new(topic.encode()))
        try:
            self.admin("DeleteTopics", item, f"delete topic {topic}")
        finally:
            self.library.rd_kafka_DeleteTopic_destroy(item)

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """As retention does: the partition then begins at offset `before`."""
        k, places = self.library, self.places(topic, {partition: before})
        item = c_void_p(k.rd_kafka_DeleteRecords_new(places))
        try:
            self.admin("DeleteRecords", item, f"delete records of {topic} before {before}")
        finally:
            k.rd_kafka_DeleteRecords_destroy(item)
            k.rd_kafka_topic_partition_list_destroy(places)

    def wait_for_partitions(self, topic: str, count: int, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        for partition in range(count):
            while True:
                try:
                    self.offsets(topic, partition)
                    break
                except KafkaError as error:
                    if time.monotonic() > end:
                        raise KafkaError(f"partition {partition} of {topic}: {error}") from error
                    time.sleep(0.02)

    def offsets(self, topic: str, partition: int = 0, seconds: float = 5) -> tuple[int, int]:
        """First offset and the one after the last record (transaction markers count)."""
        low, high = c_int64(), c_int64()
        code = self.library.rd_kafka_query_watermark_offsets(
            self.handle(PRODUCER), topic.encode(), partition, byref(low), byref(high), int(seconds * 1000)
        )
        self.demand(code, f"offsets of {topic}")
        return low.value, high.value

    def partition_count(self, topic: str) -> int:
        count = 0
        while True:
            try:
                self.offsets(topic, count)
            except KafkaError:
                return count
            count += 1

    # Records in

    def send(self, topic: str, record: Record) -> None:
        parts = [Vu(VU_TOPIC), Vu(VU_PARTITION), Vu(VU_FLAGS)]
        parts[0].u.cstr = topic.encode()
        parts[1].u.i32 = record.partition
        parts[2].u.i = COPY
        for kind, data in ((VU_VALUE, record.value), (VU_KEY, record.key)):
            if data is not None:
                parts.append(Vu(kind))
                parts[-1].u.memory = Memory(data, len(data))
        if record.timestamp:
            parts.append(Vu(VU_TIMESTAMP))
            parts[-1].u.i64 = record.timestamp
        for name, value in record.headers:
            parts.append(Vu(VU_HEADER))
            parts[-1].u.header = Header(name.encode(), value, -1 if value is None else len(value))
        array = (Vu * len(parts))(*parts)
        handle = self.handle(PRODUCER)
        while True:
            error = self.library.rd_kafka_produceva(handle, array, c_size_t(len(parts)))
            try:
                self.demand_no_error(error, f"produce to {topic}")
                return
            except KafkaError as full:
                if full.code != QUEUE_FULL:
                    raise
                self.library.rd_kafka_poll(handle, 100)

    def produce(self, topic: str, records: Iterable[Record | bytes | str], seconds: float = 60) -> None:
        """All of them acknowledged, or an error."""
        for one in records:
            value = one.encode() if isinstance(one, str) else one
            self.send(topic, value if isinstance(value, Record) else Record(value))
        self.demand(self.library.rd_kafka_flush(self.handle(PRODUCER), int(seconds * 1000)), f"flush to {topic}")

    def begin(self, seconds: float = 30) -> None:
        """A transaction; the client was made with transactional_id=.."""
        k, first = self.library, PRODUCER not in self.handles
        handle = self.handle(PRODUCER)
        if first:
            self.demand_no_error(k.rd_kafka_init_transactions(handle, int(seconds * 1000)), "init transactions")
        self.demand_no_error(k.rd_kafka_begin_transaction(handle), "begin transaction")

    def commit(self, seconds: float = 30) -> None:
        error = self.library.rd_kafka_commit_transaction(self.handle(PRODUCER), int(seconds * 1000))
        self.demand_no_error(error, "commit transaction")

    def abort(self, seconds: float = 30) -> None:
        error = self.library.rd_kafka_abort_transaction(self.handle(PRODUCER), int(seconds * 1000))
        self.demand_no_error(error, "abort transaction")

    # Records out

    def places(self, topic: str, offsets: dict[int, int]) -> c_void_p:
        places = c_void_p(self.library.rd_kafka_topic_partition_list_new(len(offsets)))
        for partition, offset in offsets.items():
            self.library.rd_kafka_topic_partition_list_add(places, topic.encode(), partition)
            self.library.rd_kafka_topic_partition_list_set_offset(places, topic.encode(), partition, c_int64(offset))
        return places

    def consume(
        self, topic: str, committed: bool = True, partitions: int | None = None, seconds: float = 60
    ) -> Iterator[Record]:
        """From the beginning to the present end of every partition, in each partition's order."""
        k = self.library
        count = self.partition_count(topic) if partitions is None else partitions
        isolation = "read_committed" if committed else "read_uncommitted"
        more = {"enable.partition.eof": "true", "isolation.level": isolation, "enable.auto.commit": "false"}
        handle = self.open(CONSUMER, {"group.id": "firesteel-test-reader", **more})
        places = self.places(topic, dict.fromkeys(range(count), BEGINNING))
        end, open_partitions = time.monotonic() + seconds, set(range(count))
        try:
            self.demand(k.rd_kafka_assign(handle, places), f"read {topic}")
            while open_partitions:
                if time.monotonic() > end:
                    raise KafkaError(f"read {topic}: not at its end within {seconds} s", TIMED_OUT)
                pointer = k.rd_kafka_consumer_poll(handle, 200)
                if not pointer:
                    continue
                message = ctypes.cast(pointer, POINTER(Message)).contents
                try:
                    if message.err == PARTITION_EOF:
                        open_partitions.discard(message.partition)
                    elif message.err == 0:
                        yield self.record(message)
                    else:
                        self.demand(message.err, f"read {topic}")
                finally:
                    k.rd_kafka_message_destroy(c_void_p(pointer))
        finally:
            k.rd_kafka_topic_partition_list_destroy(places)
            k.rd_kafka_consumer_close(handle)
            k.rd_kafka_destroy(handle)

    def record(self, message: Message) -> Record:
        k, headers, kind = self.library, [], c_int()
        value = ctypes.string_at(message.payload, message.size) if message.payload else None
        key = ctypes.string_at(message.key, message.key_size) if message.key else None
        pointer = c_void_p()
        if k.rd_kafka_message_headers(byref(message), byref(pointer)) == 0:
            name, data, size = c_char_p(), c_void_p(), c_size_t()
            for i in range(k.rd_kafka_header_cnt(pointer)):
                k.rd_kafka_header_get_all(pointer, c_size_t(i), byref(name), byref(data), byref(size))
                content = ctypes.string_at(data.value, size.value) if data.value else None
                headers.append(((name.value or b"").decode(), content))
        timestamp = k.rd_kafka_message_timestamp(byref(message), byref(kind))
        return Record(value, key, message.partition, headers, timestamp, message.offset)

    def committed(self, group: str, topic: str, partitions: int | None = None) -> dict[int, int]:
        """The group's offsets; -1001 where it has none."""
        k = self.library
        count = self.partition_count(topic) if partitions is None else partitions
        handle = self.open(CONSUMER, {"group.id": group})
        places = self.places(topic, dict.fromkeys(range(count), -1001))
        try:
            self.demand(k.rd_kafka_committed(handle, places, 10_000), f"offsets of group {group}")
            found = ctypes.cast(places, POINTER(TopicPartitionList)).contents
            return {found.elements[i].partition: found.elements[i].offset for i in range(found.count)}
        finally:
            k.rd_kafka_topic_partition_list_destroy(places)
            k.rd_kafka_consumer_close(handle)
            k.rd_kafka_destroy(handle)


def main(arguments: list[str]) -> int:
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    servers, verb, topic, *rest = arguments
    with Kafka(servers) as kafka:
        if verb == "create":
            kafka.create_topic(topic, int(rest[0]) if rest else 1)
        elif verb == "produce":
            kafka.produce(topic, (line.rstrip(b"\n") for line in sys.stdin.buffer))
        elif verb == "consume":
            for record in kafka.consume(topic):
                sys.stdout.buffer.write((record.value or b"") + b"\n")
        elif verb == "offsets":
            groups = kafka.committed(rest[0], topic) if rest else {}
            for partition in range(kafka.partition_count(topic)):
                first, end = kafka.offsets(topic, partition)
                at = f", group at {groups[partition]}" if partition in groups else ""
                print(f"{topic}[{partition}]: {first} to {end}{at}")
        else:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KafkaError as problem:
        sys.exit(f"kafka_client: {problem}")
