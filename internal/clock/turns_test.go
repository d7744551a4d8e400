package clock

import (
	"testing"
	"testing/synctest"
	"time"
)

// What was signed at a moment of machine time is as old as the model clock has
// gone since, however it was turned.
func TestWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		before := time.Now()
		time.Sleep(time.Minute)
		if got := m.When(before); got != At(before) {
			t.Errorf("without a turn: %v, want %v", got, At(before))
		}
		moved := time.Now()
		if err := m.Set(m.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stopped := time.Now()
		m.Stop()
		time.Sleep(time.Minute)
		during := time.Now()
		time.Sleep(time.Minute)
		m.Run()
		time.Sleep(time.Minute)
		for _, c := range []struct {
			what string
			at   time.Time
			age  time.Duration // in model time
		}{
			{"before every turn", before, time.Minute + time.Hour + time.Minute + time.Minute},
			{"just before the clock was moved", moved.Add(-time.Second), time.Second + time.Hour + time.Minute + time.Minute},
			{"after it was moved", moved.Add(time.Second), 59*time.Second + time.Minute},
			{"when it stopped", stopped, time.Minute},
			{"while it stood still", during, time.Minute},
			{"a second ago", time.Now().Add(-time.Second), time.Second},
		} {
			if got := m.Now().Sub(m.When(c.at)); got != c.age {
				t.Errorf("%s: %v old, want %v", c.what, got, c.age)
			}
			if got := NewModel(m.State()).When(c.at); got != m.When(c.at) {
				t.Errorf("%s: a restart makes it %v, want %v", c.what, got, m.When(c.at))
			}
		}
	})
}

func TestTurnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		for range turnsMax + 100 {
			time.Sleep(2 * time.Second)
			if err := m.Set(m.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(m.State().Turns); n != turnsMax {
			t.Errorf("%d turns, want %d", n, turnsMax)
		}
		time.Sleep(30 * 24 * time.Hour)
		m.Stop()
		if n := len(m.State().Turns); n != 2 {
			t.Errorf("after a month %d turns, want the last and this one", n)
		}
		signed := time.Now()
		for range 10 {
			if err := m.Set(m.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if got := m.Now().Sub(m.When(signed)); got != 0 && got != 10*time.Hour {
			t.Errorf("turns within a second: %v", got)
		}
	})
}
