package clock

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestModelFollowsTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		if got, want := m.Now(), At(time.Now()); got != want {
			t.Fatalf("Now = %v, want the machine's %v", got, want)
		}
		time.Sleep(time.Minute) // the bubble's clock
		if got, want := m.Now(), At(time.Now()); got != want {
			t.Fatalf("after a minute Now = %v, want %v", got, want)
		}
	})
}

func TestStoppedModelStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		at := m.Stop()
		time.Sleep(time.Hour)
		if got := m.Now(); got != at {
			t.Fatalf("Now = %v, want %v", got, at)
		}
		m.Run()
		time.Sleep(time.Second)
		if got, want := m.Now(), at.Add(time.Second); got != want {
			t.Fatalf("a second after Run Now = %v, want %v", got, want)
		}
	})
}

func TestSetFiresAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		start := m.Stop()
		early, late, gone := m.Alarm(start.Add(time.Hour)), m.Alarm(start.Add(48*time.Hour)), m.Alarm(start.Add(time.Minute))
		gone.Stop()
		if err := m.Set(start.Add(24 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if !fired(early) || fired(late) || fired(gone) {
			t.Fatalf("fired: early %v late %v stopped %v, want true false false", fired(early), fired(late), fired(gone))
		}
		m.Run()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if !fired(late) {
			t.Fatal("the alarm did not fire when the running clock reached it")
		}
	})
}

func TestModelNeverGoesBack(t *testing.T) {
	m := NewModel(State{})
	m.Stop()
	now := m.Now()
	if err := m.Set(now - 1); !errors.Is(err, ErrBackwards) {
		t.Fatalf("Set into the past: %v, want ErrBackwards", err)
	}
	if got := m.Now(); got != now {
		t.Fatalf("Now = %v, want %v", got, now)
	}
}

func TestStateSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewModel(State{})
		if err := m.Set(m.Now().Add(1000 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, want := NewModel(m.State()).Now(), m.Now(); got != want {
			t.Fatalf("restored clock says %v, want %v", got, want)
		}
		m.Stop()
		time.Sleep(time.Hour)
		if got, want := NewModel(m.State()).Now(), m.Now(); got != want {
			t.Fatalf("restored stopped clock says %v, want %v", got, want)
		}
	})
}

func fired(a *Alarm) bool {
	select {
	case <-a.C:
		return true
	default:
		return false
	}
}
