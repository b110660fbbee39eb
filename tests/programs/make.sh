# SPDX-License-Identifier: Apache-2.0
# make -j2: a job server on a pipe, compilers and generators at the same time, then nothing left to do.
printf 'all: $(patsubst %%,out%%,1 2 3 4 5 6) program\n' > Makefile
printf '\t@cat out* | sort -n | sum\n' >> Makefile
printf 'out%%:\n\t@sleep 0.1; seq 1 $*00 > $@\n' >> Makefile
printf 'program: a.o b.o\n\t@$(CC) -o $@ $^\n%%.o: %%.c\n\t@$(CC) -c -o $@ $<\n' >> Makefile
printf 'sub:\n\t@$(MAKE) --no-print-directory -f Makefile out7 out8 out9\n.PHONY: all sub\n' >> Makefile
echo 'int b(void); int main(void) { return b(); }' > a.c; echo 'int b(void) { return 42; }' > b.c
make -j2; ./program; echo "program $?"; make -j2 sub; ls out*; make -q program && echo up to date
touch -d 'now + 2 seconds' b.c; make -q program || echo to be made; make -j2 CC=false program 2> /dev/null; echo "make $?"
