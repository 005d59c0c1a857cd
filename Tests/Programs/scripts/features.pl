# Perl: hashes in random order, forks, pipes, sockets, sprintf, regular expressions, sorting, local time, %SIG, eval.
use strict; use warnings;
use POSIX qw(:sys_wait_h); use Socket; use Time::HiRes qw(time sleep);
$| = 1;
my %counts; $counts{$_}++ for map { chr(97 + $_ * 7 % 26) } 0 .. 99;
print join(" ", map { "$_=$counts{$_}" } keys %counts), "\n";
printf "%.6f %d %s\n", time, $$, scalar localtime;
socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
if (!(my $pid = fork)) { close $here; syswrite $there, "child $$ " . rand() . "\n"; exit 5 }
close $there; print scalar <$here>; wait; print "status ", $? >> 8, "\n";
my $ticks = 0; local $SIG{ALRM} = sub { $ticks++ };
Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0.002, 0.002);
sleep 0.001 while $ticks < 3; Time::HiRes::setitimer(Time::HiRes::ITIMER_REAL(), 0);
print "ticked\n";
open my $pipe, "-|", "echo from a pipe; uname -n" or die; print while <$pipe>; close $pipe;
eval { die { code => 42 } }; print "caught $@->{code}\n";
my $text = join ",", map { sprintf "%04d", $_ * 37 % 1000 } 1 .. 200;
(my $changed = $text) =~ s/(\d)(\d)(\d)(\d)/$4$3$2$1/g;
print length $changed, " ", unpack("%32C*", $changed), " ", (sort { $a <=> $b } split /,/, $changed)[7], "\n";
print "EXIT-SUCCESS\n";
