import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;

/**
 * Counts words by Kafka Streams, with each guarantee: half of the text, then the rest with the state restored from its topic.
 *
 * The first argument is bootstrap.servers, the second a folder, the others are lines of text. For each guarantee NAME, the lines
 * go to topic text-NAME, and the counts to counts-NAME. Prints "NAME WORD COUNT" for each count that was committed, in order.
 */
public class WordCount {
    public static void main(String[] arguments) throws Exception {
        String servers = arguments[0];
        String folder = arguments[1];
        List<String> lines = Arrays.asList(arguments).subList(2, arguments.length);
        for (String guarantee : List.of(StreamsConfig.AT_LEAST_ONCE, StreamsConfig.EXACTLY_ONCE_V2)) {
            List<String> counts = new ArrayList<>();
            Map<TopicPartition, Long> read = new HashMap<>();
            for (List<String> half : List.of(lines.subList(0, lines.size() / 2), lines.subList(lines.size() / 2, lines.size()))) {
                produce(servers, "text-" + guarantee, half);
                int words = (int) half.stream().flatMap(line -> Arrays.stream(line.split(" "))).count();
                try (KafkaStreams streams = start(servers, folder, guarantee)) {
                    consume(servers, "counts-" + guarantee, read, counts, counts.size() + words);
                    // Otherwise the next start waits until those who were members are given up.
                    streams.close(CloseOptions.timeout(Duration.ofSeconds(30)).withGroupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP));
                    streams.cleanUp();
                }
            }
            counts.forEach(count -> System.out.println(guarantee + " " + count));
        }
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }

    private static KafkaStreams start(String servers, String folder, String guarantee) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<String, String>stream("text-" + guarantee)
            .flatMapValues(line -> Arrays.asList(line.toLowerCase(Locale.ROOT).split(" ")))
            .groupBy((key, word) -> word)
            .count(Materialized.as("words"))
            .toStream()
            .to("counts-" + guarantee, Produced.with(Serdes.String(), Serdes.Long()));
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "count-" + guarantee);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, guarantee);
        settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 3);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        // Each count is written, not only the last one of those that come together.
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        settings.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        streams.setUncaughtExceptionHandler(thrown -> {
            thrown.printStackTrace();
            Runtime.getRuntime().halt(1);
            return StreamThreadExceptionResponse.SHUTDOWN_APPLICATION;
        });
        streams.start();
        return streams;
    }

    private static void produce(String servers, String topic, List<String> lines) {
        Map<String, Object> settings = Map.of("bootstrap.servers", servers);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            lines.forEach(line -> producer.send(new ProducerRecord<>(topic, line, line)));
        }
    }

    /** Reads what is committed, from where the last call ended, until there are so many counts. */
    private static void consume(String servers, String topic, Map<TopicPartition, Long> read, List<String> counts, int until) {
        Map<String, Object> settings = Map.of("bootstrap.servers", servers, "isolation.level", "read_committed");
        long deadline = System.nanoTime() + 60_000_000_000L;
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new LongDeserializer())) {
            List<TopicPartition> partitions =
                consumer.partitionsFor(topic).stream().map(one -> new TopicPartition(topic, one.partition())).toList();
            consumer.assign(partitions);
            partitions.forEach(partition -> consumer.seek(partition, read.getOrDefault(partition, 0L)));
            while (counts.size() < until && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, Long> record : consumer.poll(Duration.ofMillis(100))) {
                    counts.add(record.key() + " " + record.value());
                }
            }
            partitions.forEach(partition -> read.put(partition, consumer.position(partition)));
        }
    }
}
