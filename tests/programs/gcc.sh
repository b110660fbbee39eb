# SPDX-License-Identifier: Apache-2.0
# gcc compiles and links programs of two files, which then run: one with threads, one with maths.
cat > sum.c <<'C'
#include <pthread.h>
#include <stdatomic.h>
static atomic_long total;
static void *run(void *p) { for (long i = 0; i < 10000; i++) atomic_fetch_add(&total, (long)p); return 0; }
long sum(void)
{
    pthread_t threads[4];
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, run, (void *)(i + 1));
    for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
    return total;
}
C
cat > main.c <<'C'
#include <math.h>
#include <stdio.h>
long sum(void);
int main(int argc, char **argv) { printf("%ld %.6f %d\n", sum(), sqrt(2.0 * argc), argc); return argc; }
C
gcc -O2 -Wall -c sum.c -o sum.o && gcc -O0 -g -c main.c -o main.o && gcc main.o sum.o -o program -lm -pthread || exit 1
./program one two; echo "program $?"
gcc -O2 -S -o - sum.c | grep -c 'lock' > /dev/null && echo assembly
echo 'int main(void) { return undeclared; }' > wrong.c; gcc -c wrong.c 2> errors; echo "wrong: $?"; grep -c undeclared errors
gcc -static -O1 main.c sum.c -o static -lm -pthread && ./static; echo "static $?"
gcc -shared -fPIC -O2 sum.c -o libsum.so && gcc main.c -o dynamic -L. -lsum -lm -Wl,-rpath,"$PWD" && ./dynamic a b c; echo "dynamic $?"
ar rcs libsum.a sum.o; nm libsum.a | grep -c ' T sum'; objdump -d sum.o | grep -c call; strip program; ./program; readelf -h program | grep -c EXEC
echo '#define X(a) #a
X(pre processed)' | gcc -E -P -
