// Package ab reads and writes the container of Android's local backups, the
// .ab file: a few lines of text, and then a tar archive that may be deflated
// and may be encrypted with a password.
//
//	ANDROID BACKUP      magic
//	5                   version, 1 to 5
//	1                   1 = deflated (zlib), 0 = not
//	AES-256             or "none": then the payload follows at once
//	<128 hex digits>    salt of the password, 64 bytes
//	<128 hex digits>    salt of the check sum, 64 bytes
//	10000               PBKDF2 rounds
//	<32 hex digits>     initialisation vector of the key blob, 16 bytes
//	<192 hex digits>    key blob, 96 bytes
//	<payload>           tar, deflated if so, AES-256-CBC with PKCS#5 padding if so
//
// Each line ends with one line feed. The key blob, once decrypted with the key
// that the password gives, is 83 bytes: 16, the payload's vector; 32, the
// payload's key; 32, a check sum of that key. What the tar holds is the
// caller's business.
//
// Both directions stream: an archive of any size passes through a few hundred
// kilobytes of memory, and nothing is allocated by a length that the file
// claims. Sources: AOSP PerformAdbBackupTask, PerformAdbRestoreTask,
// PasswordUtils, BackupPasswordManager.
//
// The worst moment is damage far behind the header. The cipher has no
// authentication, so a flipped bit comes out as garbage or, unless the archive
// is deflated, as other content: only the check sum at the end of a deflated
// archive proves it whole. A caller therefore keeps nothing for good before
// Read has returned io.EOF, and then asks [Reader.End] how the stream ended.
package ab
