# Scope: publishes messages with one of the usual Python clients and prints how long it took. Every publish is
# persistent, to a quorum queue, and counts only once the broker has confirmed it.
import asyncio
import json
import os
import sys
import time

URL = os.environ["AMQP_URL"]
BODY = json.dumps({"version": 1, "layout": "x" * 1450}).encode()
QUORUM = {"x-queue-type": "quorum"}
WINDOW = 2048


def pika_blocking(queue: str, count: int) -> float:
    import pika

    connection = pika.BlockingConnection(pika.URLParameters(URL))
    channel = connection.channel()
    channel.queue_declare(queue, durable=True, arguments=QUORUM)
    channel.confirm_delivery()
    properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
    begin = time.monotonic()
    for _ in range(count):
        channel.basic_publish("", queue, BODY, properties, mandatory=True)
    seconds = time.monotonic() - begin
    channel.queue_delete(queue)
    connection.close()
    return seconds


def pika_async(queue: str, count: int) -> float:
    import pika

    class Publication:
        """Publishes while fewer than WINDOW messages wait for their confirm."""

        def __init__(self):
            self.sent = 0
            self.waiting = {}  # tags in the order of publishing; a confirm may name one, or all up to one
            self.begin = self.seconds = 0.0
            self.connection = pika.SelectConnection(
                pika.URLParameters(URL), on_open_callback=lambda c: c.channel(on_open_callback=self.opened),
                on_open_error_callback=lambda _, error: sys.exit(f"pika-async: cannot connect: {error}"))

        def opened(self, channel):
            self.channel = channel
            channel.queue_declare(queue, durable=True, arguments=QUORUM, callback=lambda _: channel.confirm_delivery(
                self.confirm, callback=self.start))

        def start(self, _):
            self.begin = time.monotonic()
            self.fill()

        def fill(self):
            properties = pika.BasicProperties(delivery_mode=2, content_type="application/json")
            while self.sent < count and len(self.waiting) < WINDOW:
                self.channel.basic_publish("", queue, BODY, properties, mandatory=True)
                self.sent += 1
                self.waiting[self.sent] = None

        def confirm(self, frame):
            if frame.method.NAME != "Basic.Ack":
                sys.exit("pika-async: the broker refused a message")
            tag = frame.method.delivery_tag
            if frame.method.multiple:
                while self.waiting and (first := next(iter(self.waiting))) <= tag:
                    del self.waiting[first]
            else:
                del self.waiting[tag]
            if self.waiting or self.sent < count:
                return self.fill()
            self.seconds = time.monotonic() - self.begin
            self.channel.queue_delete(queue, callback=lambda _: self.connection.close())
            self.connection.add_on_close_callback(lambda *_: self.connection.ioloop.stop())

    publication = Publication()
    publication.connection.ioloop.start()
    return publication.seconds


def aio_pika(queue: str, count: int) -> float:
    import aio_pika as client

    async def publish() -> float:
        connection = await client.connect(URL)
        async with connection:
            channel = await connection.channel(publisher_confirms=True)
            await channel.declare_queue(queue, durable=True, arguments=QUORUM)
            begin = time.monotonic()
            for first in range(0, count, WINDOW):
                await asyncio.gather(*(
                    channel.default_exchange.publish(
                        client.Message(BODY, delivery_mode=client.DeliveryMode.PERSISTENT), queue, mandatory=True)
                    for _ in range(first, min(first + WINDOW, count))))
            seconds = time.monotonic() - begin
            await channel.queue_delete(queue)
            return seconds

    return asyncio.run(publish())


def celery(queue: str, count: int) -> float:
    import celery as client
    import kombu

    application = client.Celery(broker=URL.replace("amqp://", "pyamqp://"), set_as_current=False)
    application.conf.update(
        broker_transport_options={"confirm_publish": True}, task_default_delivery_mode="persistent",
        task_ignore_result=True, task_queues=[kombu.Queue(queue, queue_arguments=QUORUM)], task_default_queue=queue)
    with application.connection_for_write() as connection:
        channel = connection.channel()
        application.amqp.queues[queue].bind(channel).declare()
        producer = application.amqp.Producer(connection)
        begin = time.monotonic()
        for _ in range(count):
            application.send_task("generate", args=(BODY.decode(),), queue=queue, producer=producer)
        seconds = time.monotonic() - begin
        channel.queue_delete(queue)
    return seconds


def dramatiq(queue: str, count: int) -> float:
    import dramatiq as client
    from dramatiq.brokers.rabbitmq import RabbitmqBroker

    class QuorumBroker(RabbitmqBroker):
        def _build_queue_arguments(self, queue_name):
            return QUORUM

    broker = QuorumBroker(url=URL, confirm_delivery=True, middleware=[])
    broker.declare_queue(queue, ensure=True)
    begin = time.monotonic()
    for _ in range(count):
        broker.enqueue(client.Message(
            queue_name=queue, actor_name="generate", args=(BODY.decode(),), kwargs={}, options={}))
    seconds = time.monotonic() - begin
    for name in (queue, queue + ".DQ", queue + ".XQ"):
        broker.channel.queue_delete(name)
    broker.close()
    return seconds


if __name__ == "__main__":
    name, number = sys.argv[1], int(sys.argv[2])
    peers = {f.__name__.replace("_", "-"): f for f in (pika_blocking, pika_async, aio_pika, celery, dramatiq)}
    print(json.dumps({"seconds": peers[name](f"bench-{name}", number)}))
