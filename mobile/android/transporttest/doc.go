// Package transporttest is the suite that every [android.Transport] passes.
//
//	func TestTransport(t *testing.T) {
//		transporttest.Run(t, transporttest.Capabilities{},
//			func(tb testing.TB, q transporttest.Quota) transporttest.Opener {
//				dir := tb.TempDir()
//				return func() (android.Transport, error) { return open(dir, q) }
//			})
//	}
//
// Its main property: what FinishBackup confirmed comes back whole, and nothing
// else does. Whatever fails, is cancelled or exceeds its quota leaves each app
// with what it had. A transport of files instead of tar streams is driven by
// [android.EntryBackuper] and [android.EntryRestorer], and compared by the tar
// that its files make.
//
// Every check is a function that returns what is wrong, so that the suite
// itself is tested with broken transports.
//
// Its worst moment is a transport that loses something and passes. So after
// every pass the whole set is read back, through another instance where there
// can be one, and compared byte by byte.
package transporttest
