package main

import "context"

const bareCommand = "bare"

func bare(ctx context.Context, args []string) error { return nil }
func (b *bench) cold(ctx context.Context) error     { return nil }
func (b *bench) gateway(ctx context.Context) error  { return nil }
