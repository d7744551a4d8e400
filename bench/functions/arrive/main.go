// Command arrive is a function that reads a stream or a queue and says, for each record, that it has begun to: it sends the
// item's key, or the message's body, to the UDP address in ARRIVALS. When that was is what is measured.
package main

import (
	"context"
	"net"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// batch is what either source sends.
type batch struct {
	Records []struct {
		Change events.DynamoDBStreamRecord `json:"dynamodb"`
		Body   string                      `json:"body"`
	}
}

func main() {
	conn, err := net.Dial("udp", os.Getenv("ARRIVALS"))
	lambda.Start(func(_ context.Context, b batch) error {
		if err != nil {
			return err
		}
		for _, r := range b.Records {
			id := r.Body
			if key, ok := r.Change.Keys["pk"]; ok {
				id = key.String()
			}
			if _, err := conn.Write([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
}
