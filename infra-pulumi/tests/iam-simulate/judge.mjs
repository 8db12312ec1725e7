// Reads a JSON list of simulations, writes the JSON list of their verdicts: Allowed, ExplicitlyDenied, ImplicitlyDenied.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const verdicts = []
for (const simulation of JSON.parse(readFileSync(0, 'utf8'))) {
  const answer = await runSimulation(simulation, {})
  // A context key that the engine leaves out as not applying would make a case prove nothing: it is told.
  verdicts.push(
    answer.resultType === 'error'
      ? { error: JSON.stringify(answer.errors) }
      : { verdict: answer.overallResult, ignored: (answer.result ?? answer.results[0])?.ignoredContextKeys ?? [] }
  )
}
process.stdout.write(JSON.stringify(verdicts))
