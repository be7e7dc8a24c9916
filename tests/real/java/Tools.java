import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.common.utils.Exit;

/**
 * Several of Kafka's tools in one virtual machine, since starting it costs more than most of them do.
 *
 * The argument is --bootstrap-server of all of them: their first argument, or the word SERVERS among the others. Each line of
 * the input is a command, and what it printed stands under "== command":
 *   input WORD..            what the next tool reads, a line per word
 *   run CLASS ARGUMENT..    runs a tool
 *   until WORD CLASS ..     runs it again and again until it prints the word
 *   begin CLASS ARGUMENT..  runs a tool beside what follows, and prints at "end"
 *   end                     waits for all that was begun
 */
public class Tools {
    private static class Exited extends RuntimeException {
        final int code;

        Exited(int code) {
            super("exit " + code, null, false, false);
            this.code = code;
        }
    }

    private record Begun(Thread thread, String command, ByteArrayOutputStream printed) { }

    /** How this thread's tool ended: the first time that it says so, since some take our exception for a failure. */
    private static final ThreadLocal<Exited> ENDED = new ThreadLocal<>();

    /** What this thread's tool wants to be done at its end. */
    private static final ThreadLocal<List<Runnable>> HOOKS = ThreadLocal.withInitial(ArrayList::new);

    /** Where this thread's output goes. */
    private static final ThreadLocal<PrintStream> OUT = new InheritableThreadLocal<>();

    private static String servers;

    public static void main(String[] arguments) throws Exception {
        servers = arguments[0];
        PrintStream real = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(new java.io.OutputStream() {
            @Override
            public void write(int one) {
                OUT.get().write(one);
            }

            @Override
            public void write(byte[] bytes, int from, int length) {
                OUT.get().write(bytes, from, length);
            }
        }, true));
        OUT.set(real);
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.get().add(hook));
        List<Begun> begun = new ArrayList<>();
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            String[] words = line.trim().split(" +");
            switch (words[0]) {
                case "input" -> {
                    String text = String.join("\n", Arrays.copyOfRange(words, 1, words.length)) + "\n";
                    System.setIn(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)));
                }
                case "run" -> {
                    real.println("== " + line);
                    real.print(run(words, 1));
                }
                case "until" -> {
                    real.println("== " + line);
                    long deadline = System.nanoTime() + 60_000_000_000L;
                    String printed = run(words, 2);
                    while (!printed.contains(words[1]) && System.nanoTime() < deadline) {
                        Thread.sleep(100);
                        printed = run(words, 2);
                    }
                    real.print(printed);
                }
                case "begin" -> {
                    ByteArrayOutputStream printed = new ByteArrayOutputStream();
                    Thread thread = new Thread(() -> {
                        OUT.set(new PrintStream(printed, true));
                        invoke(words, 1);
                    });
                    begun.add(new Begun(thread, line, printed));
                    thread.start();
                }
                case "end" -> {
                    for (Begun one : begun) {
                        one.thread.join();
                        real.println("== " + one.command);
                        real.print(one.printed.toString(StandardCharsets.UTF_8));
                    }
                    begun.clear();
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
        real.flush();
        Runtime.getRuntime().halt(0);
    }

    private static String run(String[] words, int from) {
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream before = OUT.get();
        OUT.set(new PrintStream(printed, true));
        invoke(words, from);
        OUT.set(before);
        return printed.toString(StandardCharsets.UTF_8);
    }

    private static void exit(int code) {
        if (ENDED.get() == null) {
            ENDED.set(new Exited(code));
        }
        throw ENDED.get();
    }

    private static void invoke(String[] words, int from) {
        List<String> all = new ArrayList<>(Arrays.asList(words).subList(from + 1, words.length));
        if (all.contains("SERVERS")) {
            all.replaceAll(word -> word.equals("SERVERS") ? servers : word);
        } else {
            all.addAll(0, List.of("--bootstrap-server", servers));
        }
        ENDED.remove();
        try {
            Object array = all.toArray(new String[0]);
            Class.forName(words[from]).getMethod("main", String[].class).invoke(null, array);
        } catch (java.lang.reflect.InvocationTargetException thrown) {
            Throwable why = ENDED.get() == null ? thrown.getCause() : ENDED.get();
            if (!(why instanceof Exited exited && exited.code == 0)) {
                OUT.get().println("FAILED: " + why);
            }
        } catch (ReflectiveOperationException wrong) {
            OUT.get().println("FAILED: " + wrong);
        }
        HOOKS.get().forEach(Runnable::run);
        HOOKS.get().clear();
    }
}
