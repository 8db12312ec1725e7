// Reads a JSON list of simulations, writes the JSON list of their verdicts: Allowed, ExplicitlyDenied, ImplicitlyDenied.
import { readFileSync } from 'node:fs'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const verdicts = []
for (const simulation of JSON.parse(readFileSync(0, 'utf8'))) {
  const result = await runSimulation(simulation, {})
  // A case with a context key that the engine ignores would prove nothing, so ignored keys are reported.
  verdicts.push(
    result.resultType === 'error'
      ? { error: JSON.stringify(result.errors) }
      : { verdict: result.overallResult, ignored: (result.result ?? result.results[0])?.ignoredContextKeys ?? [] }
  )
}
process.stdout.write(JSON.stringify(verdicts))
