package cli

// usage is what "ferry help" prints; the README shows the same.
const usage = `ferry moves everything on a phone to a new phone, straight over Wi-Fi.

Usage:
  ferry receive --into DIR    on the new phone: wait, show a code, restore
  ferry send --from DIR       on the old phone: find the new one, and send
  ferry devices               list the new phones that wait on this network
  ferry plan --from DIR       say what would move, and what cannot
  ferry verify RECEIPT        check a receipt
  ferry archive ACTION FILE   list, check, extract or create an Android backup
  ferry history               list earlier moves and their receipts
  ferry forget DEVICE         delete what is kept about a device
  ferry demo                  a whole move on this machine, to see it work
  ferry version               print the version
  ferry help [COMMAND]        print this, or all about a command

Example, with the two devices on one network:
  new phone$ ferry receive --into ~/phone
  old phone$ ferry send --from ~/phone

Every command takes --json: one JSON object a line on standard output.

Exit codes:
  0    everything moved
  1    it broke off; start it again, and it goes on from there
  2    the command was called wrongly
  3    it finished, but some items were not moved
  4    wrong code, or refused
  5    nobody was found
  130  interrupted
`

var details = map[string]string{
	"receive": `Usage: ferry receive --into DIR [flags]

Makes this device the new phone: it announces itself on the local network, shows
a code, waits for the old phone, asks whether to accept, and restores into DIR,
which is made if it is missing. Nothing in DIR is deleted or overwritten. When
the network goes away, both devices wait for up to 30 minutes and go on.

What a broken move leaves of a file stays in DIR as a hidden .ferry-*.part: the
next move from that phone goes on with it, or removes it. If there will be none,
"ferry forget" that phone and delete the file.

  --into DIR    the folder that is the phone
  --name NAME   the name that the other device sees (default: this model's)
  --yes         accept without asking whoever knows the code
  --once        end after one move, or after one that took its place
  --limit N     bytes a second to take at most: 500K, 20M (20 MB/s), 1G; from
                10K to 999T, in small letters too, and with a B (20mb); the
                other device is told, and sends no faster (default: no limit)
  --port N      the UDP port to listen on (default: a free one)
  --loopback    keep to this machine, to try it out
  --verbose     also say what goes over the link
  --json        one JSON object a line

While items move, p or the space bar on the terminal pauses and goes on (not on
Windows), and so does the signal USR1; the other device shows who paused, and
waits for as long as it takes. A pause holds while the network is gone, and when
the old phone is started again meanwhile. While there is no move, there is
nothing to pause, and the signal does nothing but say so.

Examples:
  ferry receive --into ~/phone
  ferry receive --into ~/phone --yes --once --json

Exit codes: 0 everything moved; 1 it broke off; 2 usage; 3 some items were not
moved; 4 refused, too many wrong codes, or another ferry receives into DIR; 130
interrupted.
`,
	"send": `Usage: ferry send --from DIR [flags]

Makes this device the old phone: it finds the new one, asks for the code that is
shown there, and sends what is in DIR. Nothing in DIR changes. When the network
goes away, it looks for the same new phone for up to 30 minutes, and goes on.

  --from DIR       the folder that is the phone, or an Android backup archive
                   (FILE.ab), which is sent without being unpacked
  --to NAME        the new phone's name, where there are several
  --at ADDR        its address as it is shown there, HOST:PORT, or a multiaddr;
                   then nothing is searched, which works on every network
  --code-file F    read the code from a file (- = standard input), or the text
                   of the QR code; it is never given as an argument
  --kinds K,K      send only these kinds (see "ferry plan")
  --name NAME      the name that the other device sees (default: this model's)
  --wait DURATION  how long to search (default 30s; 0 = until it is found)
  --app-quota N    how much one app may move, such as 500M or 4G, in letters as
                   for --limit (default 2 GiB)
  --password-file F  read an encrypted archive's password from a file (- =
                   standard input)
  --lanes N        how many connections may carry content, 1 to 16 (default 12);
                   fewer are used where fewer do
  --limit N        bytes a second to send at most: 500K, 20M (20 MB/s), 1G; from
                   10K to 999T, in small letters too, and with a B (20mb)
                   (default: no limit)
  --verify         after the move, read everything again on both phones, compare
                   it, and send what differs once more; nothing is overwritten
  --dry-run        ask the new phone what would be added, merged, skipped or
                   renamed, and what cannot move; say so, and move nothing. A
                   file that only its content tells from one there counts as
                   added; contacts are compared
  --loopback       keep to this machine, to try it out
  --verbose        also say what goes over the link, and on how many connections
  --json           one JSON object a line

While items move, p or the space bar on the terminal pauses and goes on (not on
Windows), and so does the signal USR1; the other device shows who paused, and
waits for as long as it takes. While there is no move, there is nothing to
pause, and the signal does nothing but say so.

Examples:
  ferry send --from ~/phone
  ferry send --from ~/phone --at 192.0.2.7:41234
  ferry send --from ~/phone --kinds contacts,photos --code-file - < code.txt
  ferry send --from backup.ab
  ferry send --from ~/phone --dry-run

Exit codes: 0 everything moved, or a dry run; 1 it broke off; 2 usage; 3 some
items were not moved; 4 wrong code, or refused; 5 nobody was found; 130
interrupted.
`,
	"devices": `Usage: ferry devices [flags]

Lists the new phones that wait on this network.

  --wait DURATION  how long to look (default 3s)
  --loopback       look on this machine only
  --json           one JSON object a line

Exit codes: 0 at least one was found; 2 usage; 5 nobody was found; 130
interrupted.
`,
	"plan": `Usage: ferry plan --from DIR [flags]

Counts what would move from DIR, by kind, and says what cannot and why; of each
app, how it would move, what its rules leave out, and whether it is within the
quota. Nothing is sent and nothing changes.

  --from DIR         the folder that is the phone, or an Android backup archive
  --kinds K,K        count only these kinds
  --app-quota N      how much one app may move, such as 500K, 20MB or 4G
                     (default 2 GiB)
  --password-file F  read an encrypted archive's password from a file
  --json             one JSON object a line

Exit codes: 0 everything can move; 1 it cannot be read; 2 usage; 3 some items
cannot move; 130 interrupted.
`,
	"verify": `Usage: ferry verify RECEIPT

Checks a receipt: that both devices signed it and nobody changed it since, and
says what it proves.

  --json   one JSON object a line

Exit codes: 0 it is good, and everything was moved; 1 it is not good; 2 usage;
3 it is good, and says that some items were not moved.
`,
	"history": `Usage: ferry history [flags]

Lists the moves that this device had a part in, newest first, by device: when,
which way, what was moved of each kind, whether it is safe to erase the old
phone, and where the receipt is. Each receipt's signatures are checked; one that
is damaged or was changed is listed as that. A device without receipts is one
from which something arrived in a move that was not finished, or whose receipts
were deleted.

  --json   one JSON object a line

Exit codes: 0 listed, also when there is none; 1 what is kept cannot be read; 2
usage; 130 interrupted.
`,
	"forget": `Usage: ferry forget DEVICE|--all [flags]

Deletes what this device keeps about another: what has arrived from it, so that
the next move knows nothing of earlier ones. What was moved stays where it is,
and so do hidden files .ferry-*.part in its folder: what came of files that are
not whole. Nothing needs them then; you can delete them.

  DEVICE       the device's ID, or the beginning or end of it
  --all        every device
  --receipts   delete the receipts too; a receipt is the proof that an old phone
               may be erased, and nothing brings it back
  --json       one JSON object a line

Exit codes: 0 deleted; 1 it cannot be deleted, or a move is under way; 2 usage,
or nothing is kept about that device.
`,
	"archive": `Usage: ferry archive list|check|extract|create FILE.ab [flags]

Works on an Android backup archive, as "adb backup" makes them: versions 1 to 5,
compressed or not, encrypted or not, of any size.

  list     say which apps are in it, their versions, sizes and kinds
  check    read everything, and report damage with the place in bytes
  extract  unpack it into a folder that is a phone; nothing is overwritten
  create   make one, which Android accepts, of a folder that is a phone

  --into DIR         where extract puts it
  --from DIR         what create takes
  --password-file F  the password is the first line of a file (- = standard
                     input); without it, it is asked for
  --encrypt          create asks for a password and encrypts
  --no-compress      create does not compress
  --json             one JSON object a line

Examples:
  ferry archive list backup.ab
  ferry archive extract backup.ab --into ~/phone
  ferry archive create backup.ab --from ~/phone --encrypt

Exit codes: 0 done, and nothing is wrong with it; 1 it cannot be read or
written, or is damaged so that reading ended; 2 usage; 3 done, but parts of it
are damaged or were left out; 4 wrong password; 130 interrupted.
`,
	"demo": `Usage: ferry demo [flags]

Runs a whole move on this machine: a generated phone, two devices, real QUIC on
loopback, and the receipt at the end.

  --seed N     which phone to generate (default 1)
  --into DIR   where the new phone is (default: a new temporary folder)
  --json       one JSON object a line

Exit codes: as "ferry send".
`,
	"version": `Usage: ferry version [--json]

Prints the version and the protocol number.

Exit codes: 0 printed; 2 usage.
`,
}
