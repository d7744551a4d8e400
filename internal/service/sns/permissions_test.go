package sns_test

import (
	"testing"

	"github.com/nube-run/nube/internal/awsapi"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/sns"
)

// A policy of one statement, which needs no list, is added to and taken from.
func TestPermissionsOfOneStatement(t *testing.T) {
	b := newBed(t)
	topic := b.createTopic("t", "Policy", `{"Version":"2012-10-17","Statement":{"Sid":"one","Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"`+topicARN+`t"}}`)
	if _, err := awsapi.Do(b.ctx, b.front, shapes.AddPermission, &shapes.AddPermissionInput{
		TopicArn: &topic, Label: ptr("two"), AWSAccountId: []string{account}, ActionName: []string{"Publish"},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := awsapi.Do(b.ctx, b.front, shapes.RemovePermission, &shapes.RemovePermissionInput{TopicArn: &topic, Label: ptr("one")}); err != nil {
		t.Error(err)
	}
}
