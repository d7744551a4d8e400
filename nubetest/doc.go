// Package nubetest runs a whole cloud inside a test, as net/http/httptest runs a
// server: in the test's own process, on ports that the system picks, with a store
// in memory that nobody shares.
//
//	func TestSignUp(t *testing.T) {
//		c := nubetest.Start(t, nubetest.Dir("../shop"))
//		http.Post(c.Gateway()+"/users", "application/json", strings.NewReader(`{"name":"Ada"}`))
//		c.Settle(t) // streams, queues, mail: everything that follows has been done
//		if m := c.Mail(t); len(m) != 1 { t.Error(m) }
//	}
//
// A cloud is there in milliseconds. Tests that each start one may run in
// parallel; when a test ends, its cloud does. What a Go function is built to is
// kept between tests and runs, below [os.UserCacheDir], and built again when its
// sources change. When a test fails, the logs of its functions are printed.
//
// No test needs to sleep: [Cloud.Settle] waits until nothing is under way, which
// the cloud knows; [Clock.Advance] lets time pass through everything that is due;
// [Cloud.Fault] makes things go wrong; [Cloud.Snapshot] takes a state to which
// tests can return.
//
// The functions are processes of their own, as with nube up: they are confined as
// far as the machine allows (see [Isolation]).
//
// The same for other languages is the program itself, which pytest and Node's
// test runners drive over its API: clients/python and clients/node.
package nubetest
