# SPDX-License-Identifier: Apache-2.0
# java compiles a class from its source and runs it: threads, a pool, monitors, collections, files, garbage.
mkdir -p p
cat > Main.java <<'J'
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;
public class Main {
    static int shared;
    static synchronized void add() { shared++; }
    public static void main(String[] a) throws Exception {
        Thread[] threads = new Thread[4];
        for (int i = 0; i < 4; i++) { threads[i] = new Thread(() -> { for (int k = 0; k < 5000; k++) add(); }); threads[i].start(); }
        for (Thread t : threads) t.join();
        System.out.println("shared " + shared);
        ExecutorService pool = Executors.newFixedThreadPool(3);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 10; i++) { final int n = i; results.add(pool.submit(() -> LongStream.range(0, n * 10000).sum())); }
        long total = 0; for (Future<Long> r : results) total += r.get();
        pool.shutdown();
        System.out.println("total " + total);
        BlockingQueue<Integer> queue = new ArrayBlockingQueue<>(2);
        Thread producer = new Thread(() -> { try { for (int i = 0; i < 20; i++) { queue.put(i); Thread.sleep(5); } } catch (InterruptedException e) { } });
        producer.start(); int sum = 0; for (int i = 0; i < 20; i++) sum += queue.take(); producer.join();
        System.out.println("sum " + sum);
        List<byte[]> keep = new ArrayList<>(); for (int i = 0; i < 2000; i++) { byte[] b = new byte[20000]; b[i] = 1; if (i % 50 == 0) keep.add(b); }
        System.gc(); System.out.println("kept " + keep.size());
        Path f = Files.createTempFile("x", "y"); Files.writeString(f, "text\n".repeat(1000)); System.out.println(Files.lines(f).count()); Files.delete(f);
        System.out.println(IntStream.rangeClosed(1, 5).mapToObj(Integer::toString).collect(Collectors.joining("-")));
        try { Object o = null; o.hashCode(); } catch (NullPointerException e) { System.out.println("null pointer"); }
        try { recurse(0); } catch (StackOverflowError e) { System.out.println("stack overflow"); }
        Process p = new ProcessBuilder("echo", "child").redirectErrorStream(true).start(); System.out.print(new String(p.getInputStream().readAllBytes())); System.out.println(p.waitFor());
    }
    static int recurse(int n) { return recurse(n + 1) + 1; }
}
J
javac -J-XX:TieredStopAtLevel=1 Main.java || exit 1
java -Xmx64m -XX:TieredStopAtLevel=1 Main; echo "java $?"
