package null_test

import (
	"context"
	"testing"

	"planar/render"
	"planar/render/null"
)

func TestOutput(t *testing.T) {
	o := null.New()
	if !o.Paced() {
		t.Error("the null output must be paced")
	}
	if o.Present(0, 0) == nil {
		t.Error("Present before Prepare succeeded")
	}
	if err := o.Prepare(&render.Picture{}); err != nil {
		t.Error(err)
	}
	if err := o.Present(0, 0); err != nil {
		t.Error(err)
	}
	o.Wake()
	o.Wake()
	if ev := o.Wait(context.Background()); len(ev) != 0 {
		t.Errorf("Wait returned %v", ev)
	}
	// The second Wake was merged with the first: only ctx can end this one.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o.Wait(ctx)
	go o.Wake()
	o.Wait(context.Background())
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}
