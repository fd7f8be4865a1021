// Package backuptest is the suite that every [backup.Agent] passes.
//
//	func TestAgent(t *testing.T) {
//		backuptest.Run(t, func(tb testing.TB) backuptest.Env {
//			return backuptest.Env{
//				Source:    newFull(tb),
//				NewTarget: func() backup.Agent { return newEmpty(tb) },
//			}
//		})
//	}
//
// Its main property: dst.Restore(src.Backup()), run twice, gives equal data,
// and the second run changes nothing. Every check is a function that returns
// what is wrong, so that the suite itself is tested with broken agents.
//
// Its worst moment is an agent that loses something and passes. So what
// arrived is always read back through the target's own Backup and compared
// with what the source yields, byte by byte; nobody's counts are believed.
package backuptest
