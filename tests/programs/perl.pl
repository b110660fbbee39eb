# SPDX-License-Identifier: Apache-2.0
# perl: hashes, sorting, regular expressions, fork, pipes, signals, flock, sockets' pairs, sprintf.
use strict; use warnings; use Fcntl qw(:flock); use POSIX qw(:sys_wait_h); use Socket; use IO::Handle;
$| = 1;
my %words; $words{length $_}++ for map { "w" x ($_ % 7) } 1 .. 5000;
print join(" ", map { "$_=$words{$_}" } sort { $a <=> $b } keys %words), "\n";
my $text = join ",", map { sprintf "%03d", $_ * 37 % 1000 } 1 .. 50;
my @found = $text =~ /(\d)\1\d/g; print scalar(@found), " ", substr($text, 0, 20), "\n";
open(my $pipe, "-|", "seq 1 100 | tail -n 3") or die; print "from a pipe: $_" while <$pipe>; close $pipe;
for my $n (1 .. 3) {
    my $pid = fork // die;
    if (!$pid) { select undef, undef, undef, 0.05 * $n; exit $n }
    waitpid $pid, 0; print "child: ", $? >> 8, "\n";
}
my $got = 0; local $SIG{ALRM} = sub { $got++ }; alarm 1; select undef, undef, undef, 5 until $got; print "alarm $got\n";
local $SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$;
open(my $file, "+>", "locked") or die; flock $file, LOCK_EX or die;
my $child = fork // die;
if (!$child) { open(my $again, "<", "locked") or die; print flock($again, LOCK_EX | LOCK_NB) ? "not locked\n" : "locked\n"; exit 0 }
waitpid $child, 0; flock $file, LOCK_UN;
socketpair(my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "socketpair: $!";
$left->autoflush(1); $right->autoflush(1);
if (!fork) { close $left; while (my $line = <$right>) { print $right scalar reverse($line), "\n" } exit 0 }
close $right; for my $word ("abc", "hello") { print $left "$word\n"; my $answer = <$left>; $answer = <$left>; print "answer $answer" }
close $left; 1 while wait != -1;
my @sorted = sort { $a->[1] <=> $b->[1] or $a->[0] cmp $b->[0] } map { ["k$_", $_ * 7919 % 101] } 1 .. 200;
print join(" ", map { $_->[0] } @sorted[0 .. 5]), "\n";
print pack("nNa4", 1, 2, "abcd") eq "\0\1\0\0\0\2abcd" ? "packed\n" : "wrong\n"; printf "%.3f %s\n", atan2(1, 1) * 4, sprintf "%b", 10;
