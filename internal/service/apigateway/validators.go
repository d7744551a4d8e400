package apigateway

import (
	"context"

	"github.com/nube-run/nube/internal/awsapi"
	"github.com/nube-run/nube/internal/awsapi/schema"
	shapes "github.com/nube-run/nube/internal/awsapi/shapes/apigateway"
	"github.com/nube-run/nube/internal/fault"
	"github.com/nube-run/nube/internal/kv"
	"github.com/nube-run/nube/internal/kv/jsonrow"
)

func validatorPath(api, id *string) string {
	return "/restapis/" + value(api) + "/requestvalidators/" + value(id)
}

func (s *Service) registerValidators() {
	awsapi.Handle(s.api, shapes.CreateRequestValidator, on("POST", func(in *shapes.CreateRequestValidatorRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/requestvalidators"
	}), s.createRequestValidator)
	awsapi.Handle(s.api, shapes.GetRequestValidator, on("GET", func(in *shapes.GetRequestValidatorRequest) string {
		return validatorPath(in.RestApiId, in.RequestValidatorId)
	}), s.getRequestValidator)
	awsapi.Handle(s.api, shapes.GetRequestValidators, on("GET", func(in *shapes.GetRequestValidatorsRequest) string {
		return "/restapis/" + value(in.RestApiId) + "/requestvalidators"
	}), s.getRequestValidators)
	awsapi.Handle(s.api, shapes.UpdateRequestValidator, on("PATCH", func(in *shapes.UpdateRequestValidatorRequest) string {
		return validatorPath(in.RestApiId, in.RequestValidatorId)
	}), s.updateRequestValidator)
	awsapi.Handle(s.api, shapes.DeleteRequestValidator, on("DELETE", func(in *shapes.DeleteRequestValidatorRequest) string {
		return validatorPath(in.RestApiId, in.RequestValidatorId)
	}), s.deleteRequestValidator)
}

func noSuchValidator() *fault.Error {
	return notFound("Invalid Request Validator identifier specified")
}

// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRequestValidator.html
func (s *Service) createRequestValidator(ctx context.Context, in *shapes.CreateRequestValidatorRequest) (*shapes.RequestValidator, error) {
	v := &shapes.RequestValidator{
		Id: ptr(newID(6)), Name: in.Name, ValidateRequestBody: ptr(value(in.ValidateRequestBody)), ValidateRequestParameters: ptr(value(in.ValidateRequestParameters)),
	}
	err := s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		return jsonrow.Set(tx, sp.part(validatorKind, *a.Id, *v.Id), v)
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (s *Service) getRequestValidator(ctx context.Context, in *shapes.GetRequestValidatorRequest) (*shapes.RequestValidator, error) {
	return readPart[shapes.RequestValidator](ctx, s, validatorKind, *in.RestApiId, *in.RequestValidatorId, noSuchValidator())
}

func (s *Service) getRequestValidators(ctx context.Context, in *shapes.GetRequestValidatorsRequest) (*shapes.RequestValidators, error) {
	items, next, err := pageOfParts[shapes.RequestValidator](ctx, s, validatorKind, *in.RestApiId, in.Position, in.Limit)
	return &shapes.RequestValidators{Items: items, Position: next}, err
}

func (s *Service) updateRequestValidator(ctx context.Context, in *shapes.UpdateRequestValidatorRequest) (*shapes.RequestValidator, error) {
	return changePart(ctx, s, validatorKind, *in.RestApiId, *in.RequestValidatorId, noSuchValidator(), func(_ *kv.Tx, _ space, v *shapes.RequestValidator) error {
		for _, p := range in.PatchOperations {
			switch value(p.Path) {
			case "/name":
				v.Name = p.Value
			case "/validateRequestBody":
				v.ValidateRequestBody = ptr(value(p.Value) == "true")
			case "/validateRequestParameters":
				v.ValidateRequestParameters = ptr(value(p.Value) == "true")
			default:
				return badPatch(p)
			}
		}
		return nil
	})
}

func (s *Service) deleteRequestValidator(ctx context.Context, in *shapes.DeleteRequestValidatorRequest) (*schema.Empty, error) {
	return nil, s.update(ctx, *in.RestApiId, func(tx *kv.Tx, sp space, a *api) error {
		key := sp.part(validatorKind, *a.Id, *in.RequestValidatorId)
		had, err := jsonrow.Load[shapes.RequestValidator](tx, key)
		if err != nil {
			return err
		}
		if had == nil {
			return noSuchValidator()
		}
		user, err := usedBy(tx, sp, *a.Id, func(m *shapes.Method) bool { return value(m.RequestValidatorId) == *in.RequestValidatorId })
		if err != nil {
			return err
		}
		if user != "" {
			return conflict("Cannot delete request validator '%s', is referenced in method request: %s", value(had.Name), user)
		}
		tx.Delete(key)
		return nil
	})
}
