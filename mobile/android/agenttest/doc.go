// Package agenttest is the suite that every [android.Agent] passes.
//
//	func TestAgent(t *testing.T) {
//		agenttest.Run(t, func(tb testing.TB) agenttest.Env {
//			return agenttest.Env{
//				Source:    newFull(tb),
//				NewTarget: func() android.Agent { return newEmpty(tb) },
//				Read:      readAll,
//			}
//		})
//	}
//
// Its main property: what one agent restores is what the other backed up, and
// what a pass writes on top of the pass before is what there is now. Every
// check is a function that returns what is wrong, so that the suite itself is
// tested with broken agents.
//
// Its worst moment is an agent that loses something and passes. So nobody's word
// is taken: data is compared as Env.Read finds it, each call that an agent makes
// fails once, and around its folder things lie that must stay as they are.
package agenttest
