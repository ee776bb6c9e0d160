"""The citizens' door: one evaluation per matter and round, with a token instead of an account."""

from fastapi import APIRouter, Depends, Response

from services.feedback.api.dependencies import Policy, Signer, limit_by_address
from services.feedback.api.schemas import EvaluationReceipt, EvaluationRequest
from services.feedback.use_cases.submit_evaluation import SubmitEvaluation, submit_evaluation
from shared.http.dependencies import Db, Idempotency, public
from shared.http.problems import problem_documentation

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"])


@router.post(
    "",
    operation_id="submit_evaluation",
    summary="Evaluate with a token",
    status_code=201,
    response_model=EvaluationReceipt,
    dependencies=[Depends(public()), Depends(limit_by_address)],
    responses=problem_documentation([404, 409, 410, 429]),
)
async def evaluate(request: EvaluationRequest, db: Db, idem: Idempotency, policy: Policy, signer: Signer) -> Response:
    """An unknown token is 404, a used one or a round decided meanwhile 409, an expired one 410."""
    command = SubmitEvaluation(request.token, request.to_answer(), request.comment or "")
    return await idem.run(
        db,
        lambda uow: submit_evaluation(uow, command, signer=signer, policy=policy),
        status=201,
        render=lambda submitted: (EvaluationReceipt.of(submitted), {"Cache-Control": "no-store"}),
    )
